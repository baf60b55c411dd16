#!/usr/bin/env bats
# The recorded state: replaced atomically, and never guessed.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

# as_it_is: containers and files, without locks.
as_it_is() {
  find "$LLM_DEPLOY_HOME" "$WORLD/containers" "$WORLD/images" "$WORLD/slot" \
    -type f ! -path '*/lock/*' -exec cksum {} + | sort
}

# replace_state COMMAND...: by COMMAND's output for it.
replace_state() { "$@" <"$staging/state" >"$staging/half" && mv "$staging/half" "$staging/state"; }

# The ways to lose a state in which release 3 is live.
lose() {
  case $1 in
    missing) rm "$staging/state" ;;
    empty) : >"$staging/state" ;;
    half) replace_state head -n 2 ;;
    cut) replace_state head -c $(($(wc -c <"$staging/state") - 3)) ;;
    torn) echo last=3 >"$staging/state" ;;
    junk) printf 'current=3\nslot=red\nintended=up\nlast=3\n' >"$staging/state" ;;
    elsewhere) replace_state sed 's/^current=.*/current=7/' ;;
    unreadable) rm "$staging/state" && mkdir "$staging/state" ;;
  esac
}

@test "replaces the state atomically" {
  mkdir -p "$staging"
  part set_state current=1 slot=blue intended=up
  exec 4<"$staging/state"
  part set_state current=2 slot=green
  [ "$(cat <&4)" = "current=1
slot=blue
intended=up
last=0" ]
  [ "$(cat "$staging/state")" = "current=2
slot=green
intended=up
last=0" ]
  [ "$(ls -A "$staging")" = state ]
}

@test "keeps the state when the disk is full" {
  mkdir -p "$staging"
  part set_state current=1
  before=$(cat "$staging/state")
  ln -s /dev/full "$staging/state.new"
  exits 1 part set_state current=2
  [ "$(cat "$staging/state")" = "$before" ]
}

@test "a lost state deploys nothing and changes no server" {
  live_machine 3
  cp "$staging/state" "$BATS_TEST_TMPDIR/state"
  for how in missing empty half cut torn junk elsewhere unreadable; do
    lose $how
    before=$(as_it_is)
    verbs=("deploy 4" "tool reconcile staging")
    # Each of them, once.
    [ $how != empty ] || verbs+=("tool rollback staging" "tool stop staging" "tool start staging" "tool prune staging" \
      "tool restart-proxy staging" "tool status staging" "tool logs staging" "tool preflight staging")
    for verb in "${verbs[@]}"; do
      exits 3 $verb
      says " the state of staging "
      says "(fix: llm-deploy recover staging)"
    done
    [ "$(as_it_is)" = "$before" ]
    rm -rf "$staging/state"
    cp "$BATS_TEST_TMPDIR/state" "$staging/state"
  done
  exits 0 deploy 4
  says "release 4 is live"
}

@test "reports each kind of loss" {
  live_machine 3
  for each in "missing is missing" "empty is empty" "half is invalid" "cut is invalid" "torn is invalid" \
    "junk is invalid" "unreadable can't be read"; do
    cp -R "$staging" "$BATS_TEST_TMPDIR/kept"
    lose "${each%% *}"
    exits 3 tool status staging
    says "the state of staging ${each#* }: "
    rm -r "$staging"
    mv "$BATS_TEST_TMPDIR/kept" "$staging"
  done
  lose elsewhere
  exits 3 tool status staging
  says "names release 7, which is not in releases/"
}

@test "needs no state without releases and containers" {
  exits 0 tool status staging
  mkdir -p "$staging"
  : >"$staging/state"
  exits 0 tool status staging
  exits 0 deploy 1
  rm -r "$staging"
  exits 3 deploy 2
  says "the state of staging is missing"
}

@test "recover shows the proposed state, and writes it on request" {
  live_machine 3
  before=$(cat "$staging/state")
  for how in missing empty half junk elsewhere; do
    lose $how
    lost=$(cksum "$staging"/stat[e] || true)
    exits 0 tool recover staging
    says "(from the container llm-staging-blue):
  current=3
  slot=blue
  intended=up
  last=3
to write it: llm-deploy recover staging --write"
    [ "$(cksum "$staging"/stat[e] || true)" = "$lost" ]
    exits 0 tool recover staging --write
    [ "$(cat "$staging/state")" = "$before" ]
    exits 0 tool status staging
  done
  exits 0 tool recover staging --write
  says "is valid; nothing was done"
  exits 0 deploy 4
  says "release 4 is live"
  exits 0 tool rollback staging
  [ "$(state current)" = 3 ]
}

@test "recover chooses the proxy's target, not a killed deploy's server" {
  live_machine 2
  # Killed at check: release 1 runs in green, as if it were new.
  cp -R "$WORLD/containers/llm-staging-green" "$WORLD/containers/llm-staging-blue"
  echo 1 >"$WORLD/containers/llm-staging-blue/release"
  rm "$staging/state"
  tool recover staging --write
  [ "$(state current) $(state slot) $(state intended)" = "2 green up" ]
}

@test "recover ignores a container with other settings than its release" {
  live_machine 2
  echo other >"$WORLD/containers/llm-staging-green/env-hash"
  rm "$staging/state"
  exits 3 tool recover staging
  says "(the newest kept release, as none has a container)"
  says "intended=down"
  exits 3 tool recover staging --write
  says "llm-staging-green runs, and would be stopped: nothing was written" \
    "(fix: recover the release that runs, or docker stop llm-staging-green)"
  [ ! -e "$staging/state" ]
}

@test "recover records a stopped environment as down" {
  live_machine 1
  tool stop staging
  rm "$staging/state"
  tool recover staging --write
  [ "$(state current) $(state slot) $(state intended)" = "1 blue down" ]
  exits 0 tool start staging
}

@test "recover uses the given release" {
  live_machine 3
  rm "$staging/state"
  exits 3 tool recover staging 9
  says "no such release is kept: 9 (kept: 3 2 1 )"
  exits 3 tool recover staging 2 --write
  says "(your choice)"
  says "llm-staging-blue runs, and would be stopped"
  [ ! -e "$staging/state" ]
  echo false >"$WORLD/containers/llm-staging-blue/running"
  rm -r "$WORLD/containers/llm-staging-blue"
  exits 0 tool recover staging 2 --write
  [ "$(state current) $(state intended) $(state last)" = "2 down 3" ]
  exits 0 tool start staging
  [ "$(cat "$WORLD/containers/llm-staging-$(state slot)/release")" = 2 ]
}

@test "reuses no release number, whatever is lost" {
  live_machine 3
  echo 9 >"$WORLD/containers/llm-staging-blue/release"
  rm -r "$staging/state" "$staging/releases"
  exits 3 tool recover staging --write
  says "llm-staging-blue runs, and would be stopped"
  echo false >"$WORLD/containers/llm-staging-blue/running"
  exits 0 tool recover staging --write
  says "(no release is kept)"
  [ "$(state current)$(state slot)$(state intended)" = "" ]
  [ "$(state last)" = 9 ]
  exits 0 deploy 4
  says "release 10 is live"
  # The history has numbers whose releases are gone.
  printf 'current=10\nslot=%s\nintended=up\nlast=1\n' "$(state slot)" >"$staging/state"
  echo '{"number":20,"at":"x"}' >>"$staging/history"
  exits 0 deploy 5
  says "release 21 is live"
  # The folders have numbers that the history has lost.
  rm "$staging/history"
  sed 's/^last=.*/last=1/' "$staging/state" >"$staging/half" && mv "$staging/half" "$staging/state"
  exits 0 deploy 6
  says "release 22 is live"
}

@test "a failed deploy leaves a valid state" {
  touch "$WORLD/no-start"
  exits 12 deploy 1
  rm "$WORLD/no-start"
  exits 0 tool status staging
  exits 0 deploy 1
  says "release 2 is live"
}

@test "stop creates no state" {
  exits 3 tool stop staging
  says "nothing was ever deployed to staging"
  deploy 1
  mv "$staging" "$BATS_TEST_TMPDIR/lost"
  touch "$WORLD/engine-down"
  exits 3 tool stop staging
  [ ! -e "$staging/state" ]
  rm "$WORLD/engine-down"
  exits 3 deploy 1
  says "the state of staging is missing"
}

@test "an engine that lists no containers proves nothing" {
  live_machine 1
  rm -r "$staging"
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '%s\n' '#!/bin/sh' '[ "$1 $2" != "container ls" ] || exit 1' \
    "exec '$BATS_TEST_DIRNAME/machine/docker' \"\$@\"" >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH exits 3 deploy 2
  says "the state of staging is missing"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH exits 0 tool status staging
  says "nothing was deployed yet"
}

@test "does not write a state over a folder" {
  mkdir -p "$staging/state"
  exits 1 part set_state current=1
}

@test "recover refuses without an engine, or while another run works" {
  live_machine 1
  rm "$staging/state"
  tool lock staging
  exits 4 tool recover staging --write
  tool unlock staging
  touch "$WORLD/engine-down"
  exits 3 tool recover staging --write
  says "no Docker engine answers"
  [ ! -e "$staging/state" ]
}
