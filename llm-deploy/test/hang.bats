#!/usr/bin/env bats
# An engine that hangs or goes down during a verb: every call to it ends, and a missing answer is not taken for one.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

# each_call HOW LEAST CODES COMMAND...: docker hangs (or dies) at COMMAND's first call; then, from the same start, at
# the second, and so on to the last. Each time COMMAND exits with one of CODES, in time, without its lock or a running
# process, and everything is "well". Without FULL=1 only at every third call, from one that $SEED selects, unless
# there are few.
each_call() {
  local how=$1 least=$2 codes=$3 step=3 seed=${SEED:-$RANDOM} call before=$BATS_TEST_TMPDIR/before hangs
  shift 3
  echo "SEED=$seed"
  if [ -n "${FULL:-}" ] || [ "$least" -lt 3 ]; then step=1; fi
  call=$((seed % step + 1 - step))
  rm -rf "$before" "$WORLD/calls"
  mkdir "$before"
  cp -r "$WORLD" "$LLM_DEPLOY_HOME" "$before"
  while true; do
    call=$((call + step))
    echo $call >"$WORLD/$how"
    SECONDS=0
    run "$@"
    hangs=$(find "$WORLD" -name 'hangs.*')
    [ -n "$hangs" ] || [ -e "$WORLD/engine-down" ] || break
    printf '%s\n' "call $call: $(sed -n ${call}p "$WORLD/calls")" "$output" "exit code $status after $SECONDS s"
    [[ " $codes " = *" $status "* ]]
    [ $SECONDS -lt 20 ]
    if [ -n "$hangs" ] && { kill -0 "${hangs##*.}" 2>/dev/null || kill -0 "$(cat "$hangs")" 2>/dev/null; }; then
      echo "it still runs"
      false
    fi
    is_free
    rm -f "$WORLD/$how" "$WORLD/engine-down"
    well
    rm -r "$WORLD" "$LLM_DEPLOY_HOME"
    cp -r "$before"/* "$BATS_TEST_TMPDIR"
  done
  call=$(wc -l <"$WORLD/calls")
  echo "$call calls"
  [ $call -ge $least ]
}

# deploy_from_registry N: with a login.
deploy_from_registry() {
  { echo token; settings; } >"$BATS_TEST_TMPDIR/input"
  tool deploy staging "$(image "$1")" --built-from "$(sha "$1")" --env-file - --registry-user me \
    <"$BATS_TEST_TMPDIR/input"
}

@test "a deploy with a hanging engine ends live or rolled back" {
  [ -z "${TOOLS:-}" ] || skip "what has a limit, has it in every shell; the others here show that it is one"
  live_machine 1
  well() { tool status staging || { tool reconcile staging && tool status staging; }; }
  each_call hang 25 "0 3 10" deploy_from_registry 2
}

@test "does not take a hanging engine for an empty one" {
  [ -z "${TOOLS:-}" ] || skip "as above"
  mkdir -p "$LLM_DEPLOY_HOME"
  touch "$WORLD/no-answer"
  well() { [[ $output != *"so nothing runs"* ]] || nothing_runs; }
  each_call dies 15 "3 11 12" deploy_from_registry 1
}

nothing_runs() { [ -z "$(find "$WORLD/containers" -name running -exec grep -l true {} +)" ]; }

@test "a successful stop has stopped everything" {
  live_machine 1
  well() {
    [[ $output = *"staging is stopped"* ]] || tool reconcile staging
    nothing_runs
  }
  each_call hang 5 "0 1" tool stop staging
  each_call dies 5 "0 1" tool stop staging
}

@test "read-only verbs end" {
  live_machine 1
  sha 1 >"$WORLD/images/3.2"
  touch "$WORLD/logs"
  well() { true; }
  each_call hang 6 "0 3" tool preflight staging
  each_call hang 8 "0 1" tool status staging
  each_call hang 1 0 tool logs staging
}

# drain CASES: of three responses, with a docker that handles these cases itself.
drain() {
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  printf '%s\n' '#!/bin/sh' "case \"\$*\" in $1 *'show stat'*) echo x,BACKEND,0,0,3; exit ;; esac" \
    "exec '$BATS_TEST_DIRNAME/machine/docker' \"\$@\"" >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  : >"$WORLD/naps"
  : >"$WORLD/clock"
  # Each read of the clock is 10 s later.
  more_stand_ins='date() { echo "$running" >>"$WORLD/clock"; echo $(($(wc -l <"$WORLD/clock") * 10)); };'
  PATH=$BATS_TEST_TMPDIR/bin:$PATH DRAIN_TIMEOUT=100 run -0 part drain_slot blue
}

@test "waits for a silent proxy or engine only as long as for others" {
  live_machine 1
  drain "*'show stat'*) exit 1 ;;"
  says "warning: some responses of blue still run after DRAIN_TIMEOUT"
  [ "$(wc -l <"$WORLD/naps")" -eq 9 ]
  drain "*'container ls'*) exit 1 ;;"
  says "warning: 3 responses of blue still run after DRAIN_TIMEOUT"
  [ "$(wc -l <"$WORLD/naps")" -eq 9 ]
  # clean_up ends the process in that variable.
  run ! grep . "$WORLD/clock"
}

@test "does not wait for a proxy that does not run" {
  live_machine 1
  echo false >"$WORLD/containers/llm-staging-proxy/running"
  drain
  [ ! -s "$WORLD/naps" ]
}
