# shellcheck shell=dash
# All environments share one GPU. Ollama reloads a model for another num_ctx, so environments with the same model need
# the same num_ctx.

# check_gpu SETTINGS: compares with the live settings of the other environments, and with those that a running deploy
# there will make live. Of two simultaneous deploys at least one sees the other, as each locks before it looks. Fails
# on another num_ctx for the same model.
check_gpu() {
  local other fault settings code=0
  for other in $ENVIRONMENTS; do
    [ "$other" != "$environment" ] || continue
    fault=$(in_environment "$other" state_fault)
    if [ -n "$fault" ]; then
      say "fail: the release of $other is unknown, as its state $fault (fix: llm-deploy recover $other)"
      code=1
      continue
    fi
    # Pending ones first: if they become live meanwhile, the second look finds them.
    for settings in "$(in_environment "$other" pending_settings)" "$(live_settings "$other")"; do
      if [ -z "$settings" ]; then continue; fi
      compare_gpu "$1" "$other" "$settings" || code=1
    done
  done
  return $code
}

# compare_gpu SETTINGS OTHER ITS_SETTINGS
compare_gpu() {
  if [ "$(value_of MODEL_NAME "$1")" != "$(value_of MODEL_NAME "$3")" ]; then
    warn "$2 uses another model ($(value_of MODEL_NAME "$3")): Ollama may unload one for the other"
  elif [ "$(num_ctx "$1")" != "$(num_ctx "$3")" ]; then
    say "fail: $2 uses $(value_of MODEL_NAME "$3") with NUM_CTX $(num_ctx "$3"), this is $(num_ctx "$1"):" \
      "Ollama would reload the model for each (fix: the same NUM_CTX in both)"
    return 1
  fi
}

# in_environment OTHER COMMAND...: runs it with the variables of that environment.
in_environment() (
  environment=$1
  folder=$LLM_DEPLOY_HOME/$1
  shift
  "$@"
)

# pending_settings: the file that a running deploy here will make live; nothing if there is none.
pending_settings() {
  local settings
  settings=$folder/run.$(value_of pid "$(newest_lock)")/settings
  if is_locked && [ -f "$settings" ]; then printf '%s\n' "$settings"; fi
}

# publish_settings RELEASE: as pending, for other environments' check_gpu.
publish_settings() {
  private_folder >/dev/null && cp "$(release_folder "$1")/env" "$(given_settings)" || refuse "$folder can't be written"
}

# live_settings ENVIRONMENT: the live release's settings file; nothing if it is down.
live_settings() {
  local state=$LLM_DEPLOY_HOME/$1/state
  [ "$(value_of intended "$state")" != up ] ||
    printf '%s/%s/releases/%s/env\n' "$LLM_DEPLOY_HOME" "$1" "$(value_of current "$state")"
}

num_ctx() {
  local value
  value=$(value_of NUM_CTX "$1")
  echo "${value:-8192}" # the server's own default
}
