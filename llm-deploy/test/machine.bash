# shellcheck shell=bash
# Sourced by the tests of llm-deploy: a machine with stubs for docker and curl, and without waits.
# $INTERPRETER runs the tool (default: sh), with $TOOLS first in PATH. Folder names have special characters.
# shellcheck disable=SC2034 # for the tests

# A checkout of the tool, with two secrets added to its manifest.
root=$BATS_TEST_TMPDIR/tool/llm-deploy
bin=$root/bin/llm-deploy
export WORLD=$BATS_TEST_TMPDIR/world COMPOSE=$BATS_TEST_TMPDIR/world/compose
export LLM_DEPLOY_HOME="$BATS_TEST_TMPDIR/a home & more" TMPDIR="$BATS_TEST_TMPDIR/tmp dir"
export PATH=$BATS_TEST_DIRNAME/machine:${TOOLS:+$TOOLS:}$PATH
unset DOCKER_HOST DEPLOY_STRATEGY KEEP_RELEASES DRAIN_TIMEOUT LOCK_WAIT
canary=c4n4ry-s3cret
staging=$LLM_DEPLOY_HOME/staging

# Functions, as busybox's shell prefers its own tools. The watch of a command waits 0.1 s, for a hanging docker not at
# all; nothing else waits.
stand_ins='
  sleep() {
    if [ -z "${seconds_left:-}" ]; then echo "$1" >>"$WORLD/naps"
    elif [ "$seconds_left" -le 0 ] || [ ! -e "$WORLD/hangs.$running" ]; then command sleep 0.1; fi
  }
  uname() { cat "$WORLD/system"; }
  ps() {
    for pid; do :; done
    if [ -f "$WORLD/start-of-$pid" ]; then cat "$WORLD/start-of-$pid"
    elif kill -0 "$pid" 2>/dev/null; then echo "Thu Jan  1 00:00:01 2026"; fi
  }
  launchctl() { echo "launchctl $*" >>"$WORLD/argv"; }
'

new_machine() {
  mkdir -p "$WORLD/images" "$WORLD/registry" "$WORLD/containers" "$TMPDIR" "$root"
  (cd "$BATS_TEST_DIRNAME/.." && cp -R bin compose env lib proxy "$root")
  cp -R "$root/compose" "$WORLD"
  printf '%s | secret | server | none | | | a secret\n' API_KEY OTHER_KEY >>"$root/env/manifest.csv"
  echo 28.0.1 >"$WORLD/engine-version"
  echo 2.33.0 >"$WORLD/compose-version"
  echo '{"version":"0.33.0-rc2"}' >"$WORLD/ollama"
  echo Linux >"$WORLD/system"
  : >"$WORLD/argv"
  : >"$WORLD/naps"
  local n
  for n in 1 2 3 4 5 6 7 8 9; do sha $n >"$WORLD/registry/$(digest $n)"; done
}

# tool ARGUMENTS...: llm-deploy.
tool() { "${INTERPRETER:-sh}" -c "$stand_ins${more_stand_ins:-}"'. "$0"' "$bin" "$@" 3>&-; }

# part COMMAND...: one of its functions, for staging.
part() {
  # shellcheck disable=SC2016 # the shell under test expands it
  "${INTERPRETER:-sh}" -c "$stand_ins${more_stand_ins:-}"'
    set -eu
    export LC_ALL=C
    root=$1 folder=$LLM_DEPLOY_HOME/staging environment=staging port=8001 actor=me running=""
    shift
    for file in "$root"/lib/*.sh; do . "$file"; done
    "$@"' sh "$root" "$@" 3>&-
}

sha() { printf '%040d' "$1"; }
digest() { printf '%064d' "$1"; }
image() { echo "registry.test/server@sha256:$(digest "$1")"; }

# settings [LINE...]: of staging, as render-env writes them.
settings() { printf '%s\n' APP_ENV=staging MODEL_NAME=qwen3:4b "API_KEY=$canary" "$@" '# end'; }

# deploy N [ARGUMENTS...]: image N to staging.
deploy() {
  local n=$1
  shift
  settings | tool deploy staging "$(image "$n")" --built-from "$(sha "$n")" --env-file - "$@"
}

# live_machine N: as if images 1 to N had just been deployed in order. The first test of a run makes it for all.
live_machine() {
  local made=$BATS_RUN_TMPDIR/live-$1 n
  if [ -d "$made" ]; then
    rm -r "$WORLD"
    cp -Rp "$made"/* "$BATS_TEST_TMPDIR"
  else
    for ((n = 1; n <= $1; n++)); do deploy "$n"; done
    mkdir "$made"
    cp -Rp "$WORLD" "$LLM_DEPLOY_HOME" "$made"
  fi
}

state() { sed -n "s/^$1=//p" "$staging/state"; }

# exits CODE COMMAND...: it exits with CODE; $output has its output.
exits() {
  local code=$1
  shift
  run "$@"
  echo "$output"
  [ "$status" -eq "$code" ] || { echo "exit code $status (expected: $code)"; return 1; }
}

# newest_lock: the file of the current or last holder.
newest_lock() {
  local number
  number=$(ls "$staging/lock" 2>/dev/null | grep -x '[0-9]*' | sort -n | tail -1 | grep . || echo 0)
  printf '%s/lock/%s' "$staging" "$number"
}

# The lock is free, and no run has left a file.
is_free() { [ ! -s "$(newest_lock)" ] && [ -z "$(find "$LLM_DEPLOY_HOME" -name 'new.*' -o -name 'run.*')" ]; }

# says WORDS...: $output contains them, separated by blanks.
says() { [[ $output = *"$*"* ]] || { echo "not said: $*"; return 1; }; }

nothing_was_touched() {
  [ ! -e "$staging/state" ] && ! grep -v -e ' inspect' -e version -e 'container ls' "$WORLD/argv"
}
