#!/usr/bin/env bats
# Putting back what should run, and leaving alone the rest.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # odd words that nobody must expand; each test has an environment of its own
# shellcheck disable=SC2119,SC2012,SC2164 # settings has arguments of its own; modes and nothing else; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

down() { echo false >"$WORLD/containers/llm-staging-$1/running"; }
runs() { [ "$(cat "$WORLD/containers/llm-staging-$1/running")" = true ]; }

is_silent() {
  exits 0 tool reconcile staging
  [ -z "$output" ]
}

@test "is silent when all is well, and when there is nothing" {
  is_silent
  deploy 1
  is_silent
  exits 0 tool reconcile
  [ -z "$output" ]
  tool status
}

@test "puts back what does not run" {
  deploy 1
  for each in blue proxy; do
    down $each
    exits 1 tool status staging
    says "DRIFT"
    exits 0 tool reconcile staging
    says "staging: put back as it should be (up)"
    runs $each
    is_silent
  done
}

@test "clears what a killed run has left" {
  deploy 1
  mkdir "$staging/candidate"
  cp -r "$WORLD/containers/llm-staging-blue" "$WORLD/containers/llm-staging-green"
  echo green >"$WORLD/slot"
  exits 0 tool reconcile staging
  [ "$(cat "$WORLD/slot")" = blue ] && [ ! -e "$WORLD/containers/llm-staging-green" ] && [ ! -e "$staging/candidate" ]
  is_silent
}

@test "is silent about what it can't put back" {
  deploy 1
  rm "$WORLD/images/$(digest 1)"
  echo "A=by hand" >>"$staging/releases/1/env"
  echo old >"$WORLD/containers/llm-staging-proxy/config-hash"
  is_silent
  exits 1 tool status staging
  says "DRIFT        the image is gone from this machine"
  says "DRIFT        releases/1/env was edited by hand"
  says "DRIFT        the proxy runs with another configuration"
}

@test "leaves alone what is locked" {
  deploy 1
  down blue
  tool lock staging --reason repair
  exits 0 tool reconcile staging
  says "staging: left alone, as it is locked: repair"
  run ! runs blue
}

@test "leaves alone what was stopped on purpose" {
  deploy 1
  tool stop staging
  run ! runs blue
  is_silent
  echo true >"$WORLD/containers/llm-staging-blue/running"
  exits 0 tool reconcile staging
  says "put back as it should be (down)"
  run ! runs blue
  tool start staging
  runs blue
  tool stop staging
  deploy 2
  runs green
  [ "$(state intended)" = up ]
}

@test "says so when it can't" {
  deploy 1
  down blue
  touch "$WORLD/no-answer"
  exits 1 tool reconcile staging
  says "staging can't be put back as it should be"
  [ ! -e "$staging/lock" ]
}
