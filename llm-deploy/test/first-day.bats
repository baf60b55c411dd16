#!/usr/bin/env bats
# Runs ../bin/first-day by $INTERPRETER (default: sh), with $TOOLS first in PATH, and stubs for docker and curl.
# ../e2e tests it on a real engine.
# shellcheck disable=SC2016 # nobody must expand it here
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
bats_require_minimum_version 1.5.0

setup() {
  script=$BATS_TEST_DIRNAME/../bin/first-day
  # shellcheck source=SCRIPTDIR/../lib/output.sh
  . "$BATS_TEST_DIRNAME/../lib/output.sh" # for sha256
  export HOME=$BATS_TEST_TMPDIR/home CALLS=$BATS_TEST_TMPDIR/calls LLM_DEPLOY_HOME=$BATS_TEST_TMPDIR/llm
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
  path=$BATS_TEST_TMPDIR/bin:${TOOLS:+$TOOLS:}$PATH
  revision=$(printf '%040d' 7)
  mkdir -p "$HOME" "$BATS_TEST_TMPDIR/bin"
  : >"$CALLS"
  stand_in docker '
    case "$*" in
      *"{{.Server.Version}}") echo 27.1.0 ;;
      *"{{.Server.Arch}}") echo linux/arm64 ;;
      "compose version --short") echo 2.32.1 ;;
      "container ls "*api-local*) [ -z "${TAKEN:-}" ] || echo 0123456789ab ;;
      "container inspect -f {{.State.Running}} "*-blue | "container inspect -f {{.State.Running}} "*-proxy)
        echo "${RUNNING:-true}" ;;
      "container inspect -f {{.Config.Image}} "*) echo name@sha256:7 ;;
      *"dev.localllm.release"*) echo 3 ;;
      *"dev.localllm.env-hash"*) sed -n "s/^ENV_HASH=//p" "$LLM_DEPLOY_HOME/staging/releases/3/release.env" ;;
      *"dev.localllm.config-hash"*) echo '"$( (cat "$BATS_TEST_DIRNAME"/../proxy/* && echo 9001) | sha256)"' ;;
      "container inspect "*) exit 1 ;;
      "volume ls "* | "image ls "*) [ -z "${HAD:-}" ] || echo 0123456789ab ;;
      "image inspect -f {{.Os}}"*) echo "linux/${PROCESSOR:-arm64}" ;;
      *"config --images") echo maven:3.9 ;;
      *"up -d --wait") exec sleep "${UP:-0}" ;;
      "logs api-local") echo "ready for changes" ;;
      "logs llm-first-day")
        echo "${CLASS:-org.springframework.X source: shared objects file}"
        echo "on port 8000 by ${TRANSPORT:-native transport}" ;;
      "port "*) echo 127.0.0.1:49999 ;;
      "run --rm "*) echo "{${VERSION-\"version\":\"0.33.0\"}}" ;;
    esac'
  # Independent of a Mac's own settings and Ollama.
  stand_in uname 'echo Linux'
  stand_in lsof ''
  stand_in curl '
    case "$*" in
      */v1/models)
        sed -n "s/.*\(\"${SERVED:-[a-z-]*}\"\)[,)].*/\1/p" \
          "$HOME"/first-day.*/clone/llm-api/src/main/java/dev/localllm/api/openai/ModelController.java ;;
      */health) echo "{\"revision\":\"${REVISION:-'"$revision"'}\"}" ;;
      */chat/completions*) echo "data: [DONE]" ;;
    esac'
}

# stand_in TOOL CODE: a stub that records its arguments and runs CODE.
stand_in() {
  printf '#!/bin/sh\necho "%s $*" >>"$CALLS"\n%s\n' "$1" "$2" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

first_day() { PATH=$path "${INTERPRETER:-sh}" "$script" "$@" 3>&-; }

# proves CODE LINE PART...: the part exits with CODE and prints a line that begins with LINE.
proves() {
  run first_day "${@:3}"
  printf '%s\n' "$status" "$output"
  [ "$status" -eq "$1" ] && grep -q "^$2" <<<"$output" && [ -z "$(ls "$HOME")" ]
}

called() { grep -q -- "$1" "$CALLS"; }

# deploy: release 3 is live in staging.
deploy() {
  local release=$LLM_DEPLOY_HOME/staging/releases/3
  mkdir -p "$release"
  printf '%s\n' "current=3" "slot=blue" "intended=${1:-up}" >"$LLM_DEPLOY_HOME/staging/state"
  echo APP_ENV=staging >"$release/env"
  printf '%s\n' IMAGE=name@sha256:7 "BUILT_FROM=$revision" "ENV_HASH=$(sha256 <"$release/env")" >"$release/release.env"
}

reboot() { edit 's/^boot=.*/boot=another/' "$LLM_DEPLOY_HOME/before-reboot"; }

# edit COMMAND FILE: by sed without -i, which differs between systems.
edit() { sed "$1" "$2" >"$BATS_TEST_TMPDIR/edited" && mv "$BATS_TEST_TMPDIR/edited" "$2"; }

@test "refuses unknown arguments" {
  for words in nonsense 'engine twice' 'after-reboot x' 'all a b'; do
    # shellcheck disable=SC2086 # words
    proves 2 'first-day: ' $words
  done
  [ ! -s "$CALLS" ] && [ ! -e "$LLM_DEPLOY_HOME" ]
}

@test "runs all parts" {
  proves 0 'ok       it streams an answer' all name
  [ "$(grep -c '^ok' <<<"$output")" -eq 15 ] && [ ! -e "$LLM_DEPLOY_HOME" ]
}

@test "fails if no container reaches Ollama" {
  VERSION='' proves 3 'fail     no Ollama answers' ollama
}

@test "warns about an Ollama that is too old" {
  VERSION='"version":"0.12.3"' proves 0 'warning  Ollama 0.12.3 is older than 0.30' ollama
}

@test "removes everything of hot reload" {
  proves 0 'ok       a saved line' hot-reload
  called 'down --volumes --rmi all$'
  : >"$CALLS"
  HAD=1 proves 0 'ok       a saved line' hot-reload
  called 'down$'
}

@test "fails if an edited line isn't served, and removes everything" {
  SERVED=library proves 3 'fail     a saved line' hot-reload
  called 'down --volumes'
}

@test "does not touch another server" {
  TAKEN=1 proves 3 'fail     a container api-local' hot-reload
  ! called 'down' && ! called 'up -d'
}

@test "removes everything when it is terminated" {
  (PATH=$path UP=63 exec "${INTERPRETER:-sh}" "$script" hot-reload 3>&-) &
  script_id=$!
  until called 'up -d'; do sleep 0.1; done
  kill -TERM $script_id
  code=0
  wait $script_id || code=$?
  [ $code -eq 143 ] && called 'down --volumes' && [ -z "$(ls "$HOME")" ]
  run ! pgrep -fx 'sleep 63'
}

@test "fails for an image of another processor, without cache or native transport, and removes everything" {
  PROCESSOR=amd64 proves 3 'fail     the image is for linux/amd64' image name
  CLASS='java.lang.X source: shared objects file' proves 3 'fail     the AOT cache' image name
  called '^docker rm -f llm-first-day'
  TRANSPORT=NIO proves 3 'fail     it does not listen by the native transport' image name
}

@test "uses the live image by default" {
  proves 3 'fail     no image is given' image
  deploy
  proves 0 'ok       it streams' image
  called ' name@sha256:7 @java.options'
}

@test "passes if the same releases run after a reboot" {
  deploy
  proves 0 'ok       recorded' before-reboot
  proves 3 'fail     the machine was not rebooted' after-reboot
  reboot
  proves 0 'ok       staging: release 3 is healthy' after-reboot
  [ ! -e "$LLM_DEPLOY_HOME/before-reboot" ]
}

@test "expects a stopped environment to stay down" {
  deploy down
  RUNNING=false proves 0 'ok       staging: down' before-reboot
  reboot
  RUNNING=false proves 0 'ok       staging: down' after-reboot
}

@test "records nothing if something is unhealthy before a reboot" {
  proves 3 'fail     nothing was deployed' before-reboot
  deploy
  REVISION=another proves 3 'fail     staging: release 3 does not answer' before-reboot
  RUNNING=false proves 3 'fail     staging: llm-staging-blue does not run' before-reboot
  proves 3 'fail     nothing was recorded' after-reboot
}

@test "fails if another release runs after a reboot" {
  deploy
  first_day before-reboot
  reboot
  edit 's/current=3/current=4/' "$LLM_DEPLOY_HOME/staging/state"
  sed 's/^REBOOT_SECONDS=.*/REBOOT_SECONDS=1/; s|^root=.*|root='"$BATS_TEST_DIRNAME"'/..|' "$script" \
    >"$BATS_TEST_TMPDIR/script"
  script=$BATS_TEST_TMPDIR/script
  proves 3 'fail     staging: release 4, intended up (expected: 3, up)' after-reboot
}
