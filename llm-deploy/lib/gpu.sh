# shellcheck shell=dash
# One GPU for all environments: the same model with another num_ctx makes Ollama load it anew, under production's feet.

# check_gpu SETTINGS: compares with what is live elsewhere. Fails on another num_ctx for the same model.
check_gpu() {
  local other settings code=0
  for other in $ENVIRONMENTS; do
    settings=$(live_settings "$other")
    if [ "$other" = "$environment" ] || [ -z "$settings" ]; then continue; fi
    if [ "$(value_of MODEL_NAME "$1")" != "$(value_of MODEL_NAME "$settings")" ]; then
      warn "$other uses another model ($(value_of MODEL_NAME "$settings")): Ollama may unload one for the other"
    elif [ "$(num_ctx "$1")" != "$(num_ctx "$settings")" ]; then
      say "fail: $other uses $(value_of MODEL_NAME "$settings") with NUM_CTX $(num_ctx "$settings"), this is $(num_ctx "$1"):" \
        "Ollama would load the model anew for each (cure: the same NUM_CTX in both)"
      code=1
    fi
  done
  return $code
}

# live_settings ENVIRONMENT: the settings that it runs with; nothing if it doesn't run.
live_settings() {
  local state=$LLM_DEPLOY_HOME/$1/state
  [ "$(value_of intended "$state")" != up ] || printf '%s/%s/releases/%s/env\n' "$LLM_DEPLOY_HOME" "$1" "$(value_of current "$state")"
}

num_ctx() {
  local value
  value=$(value_of NUM_CTX "$1")
  echo "${value:-8192}" # the server's own default
}
