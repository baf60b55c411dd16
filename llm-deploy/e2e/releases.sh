# shellcheck shell=bash
# Sourced by the tests that deploy to staging: a machine with an image and variants of it. Deploys go over ssh, like the
# pipeline's.
# shellcheck disable=SC2034 # for the tests
. llm-deploy/e2e/machine.sh

outputs=$work/outputs
mkdir "$outputs"
canary=canary-$RANDOM-$RANDOM-secret
revisions=()
images=()

# release N SETTINGS OPTIONS...: deploys image N to staging, like the pipeline. Its output is kept.
release() {
  local n=$1 file=$2
  shift 2
  outcomes=$((outcomes + 1))
  { echo "$canary"; cat "$file"; } |
    mac deploy staging "${images[n]}" --built-from "${revisions[n]}" --registry-user pipeline --env-file - "$@" \
      >"$outputs/$outcomes" 2>&1
}
outcomes=0
last_output() { echo "$outputs/$outcomes"; }

answers() { curl -fs --max-time 20 "$(url staging /health)" | grep "\"revision\":\"${revisions[$1]}\"" >/dev/null; }
in_order() { tool status staging >"$work/status" || { cat "$work/status"; return 1; }; }
state() { sed -n "s/^$1=//p" "$LLM_DEPLOY_HOME/staging/state"; }

# variant N LINES...: image N, which differs from image 0 in a few lines of Dockerfile.
variant() {
  local name=127.0.0.1:$REGISTRY_PORT/local-llm-server:variant-$1
  revisions[$1]=$(printf '%040d' "$1")
  printf '%s\n' "FROM ${images[0]}" "ENV APP_REVISION=${revisions[$1]}" \
    "LABEL org.opencontainers.image.revision=${revisions[$1]}" "${@:2}" |
    docker build -q -t "$name" - >/dev/null
  docker push -q "$name" >/dev/null
  images[$1]=$(docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$name" |
    grep local-llm-server |
    head -1)
}

# start_machine COMMAND: with the images 0 to 2, and those that the command makes.
start_machine() {
  part "engine, registry, sshd, Ollama"
  install_tools
  start_engine
  # Its password is a secret too.
  start_private_registry pipeline "$canary"
  start_sshd
  part "images"
  llm-deploy/e2e/base-images eclipse-temurin haproxy
  local jar
  jar=$(server_jar)
  revisions[0]=$(git rev-parse HEAD)
  images[0]=$(build_image "$jar" "${revisions[0]}")
  variant 1
  variant 2
  "$@"
  # The machine must pull every image from the registry.
  docker logout "127.0.0.1:$REGISTRY_PORT" >/dev/null
  docker image ls -q 127.0.0.1:$REGISTRY_PORT/local-llm-server | sort -u | xargs docker image rm -f >/dev/null
  start_ollama "$jar" "$OLLAMA_PORT"
  settings staging "API_KEY=$canary" >"$work/s.env"

  check "preflight has no fail" mac preflight staging

  # The disk of the machine is small, so that it can be filled.
  mkdir -p "$LLM_DEPLOY_HOME"
  mount -t tmpfs -o size=8m tmpfs "$LLM_DEPLOY_HOME"

  # Looks for the secret in the arguments of all processes, as long as this runs. The secret is in a
  # file, or grep would find itself.
  echo "$canary" >"$work/canary"
  (while sleep 0.05; do grep -saFf "$work/canary" /proc/[0-9]*/cmdline || true; done) >"$work/ps" &
  echo $! >"$work/ps.pid"
}

# check_secrets FILE...: no output, log or FILE contains the secret.
check_secrets() {
  kill "$(cat "$work/ps.pid")"
  check "no argument of a process had the secret" [ ! -s "$work/ps" ]
  tr '\0' ' ' <"$work/ps"
  check "no output had it" sh -c "! grep -rF '$canary' $outputs $* $work/sshd.log"
  check "no file of the machine has it but the settings" \
    [ -z "$(grep -rlF "$canary" "$LLM_DEPLOY_HOME" | grep -v '/releases/[0-9]*/env$')" ]
  check "none of a killed run is left" [ -z "$(find "$LLM_DEPLOY_HOME/staging" -name '.*.[0-9]*')" ]
  check "settings are closed to others" [ -z "$(find "$LLM_DEPLOY_HOME" -name env -type f ! -perm 600)" ]
  check "the server's log does not have it" sh -c "! docker logs $(live staging) 2>&1 | grep -F '$canary'"
}
