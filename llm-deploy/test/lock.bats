#!/usr/bin/env bats
# One at a time, and never stale for ever.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # odd words that nobody must expand; each test has an environment of its own
# shellcheck disable=SC2119,SC2012,SC2164 # settings has arguments of its own; modes and nothing else; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  at_work='Thu Jan  1 00:00:01 2026'
}

# lock_of PID STARTED: as a run leaves it.
lock_of() {
  mkdir -p "$staging/lock"
  printf '%s\n' kind=run "pid=$1" "began=$2" reason=work actor=me at=then seconds=0 >"$staging/lock/owner"
}

dead_pid() { sh -c 'echo $$'; }

is_free() { [ -z "$(find "$staging" -maxdepth 1 -name 'lock*' -o -maxdepth 1 -name 'run.*')" ]; }

@test "a run at work keeps others away" {
  lock_of $$ "$(tr -s ' ' <<<"$at_work")"
  exits 4 deploy 1
  says "staging is locked: work, by me, since then"
  exits 4 tool rollback staging
  exits 4 tool stop staging
  exits 4 tool prune staging
  exits 4 tool lock staging
  exits 4 tool unlock staging
  says "staging is being worked on"
  grep -x "pid=$$" "$staging/lock/owner"
  nothing_was_touched
}

@test "a run that has ended keeps nobody away" {
  for left in "$(dead_pid) $at_work" "$$ Wed Dec 31 23:59:59 2025" "$(dead_pid) "; do
    lock_of "${left%% *}" "$(tr -s ' ' <<<"${left#* }")"
    exits 0 tool prune staging
    says "taking over the lock of a run that has ended: work, by me"
    is_free
  done
}

@test "where ps tells no start, a number that is in use counts as at work" {
  lock_of $$ ""
  exits 4 tool prune staging
}

@test "another user's run is at work" {
  lock_of 1 "$(tr -s ' ' <<<"$at_work")"
  echo "$at_work" >"$WORLD/start-of-1"
  more_stand_ins='kill() { return 1; };' exits 4 tool prune staging
}

@test "a start is the same in every time zone" {
  command -v ps >/dev/null && [ -z "${TOOLS:-}" ] || skip "ps as the system has it"
  stand_ins=
  [ -n "$(TZ=Asia/Seoul part process_start $$)" ]
  [ "$(TZ=Asia/Seoul part process_start $$)" = "$(TZ=America/Lima part process_start $$)" ]
}

@test "a lock without an owner is one of a run that was killed" {
  mkdir -p "$staging/lock" "$staging/lock.$(dead_pid)" "$staging/run.$(dead_pid)"
  exits 0 tool prune staging
  says "taking over"
  is_free
  grep -x 1 "$WORLD/naps"
}

@test "what others are about to make stays" {
  mkdir -p "$staging/lock.$$" "$staging/run.$$"
  tool prune staging
  [ -d "$staging/lock.$$" ] && [ -d "$staging/run.$$" ]
}

@test "only one of two takes over, and not what the other has taken" {
  # Between finding the lock stale and clearing it, another run has cleared it and is at work.
  lock_of "$(dead_pid)" x
  export OTHERS="$BATS_TEST_TMPDIR/other"
  lock_of $$ "$(tr -s ' ' <<<"$at_work")"
  mv "$staging/lock" "$OTHERS"
  lock_of "$(dead_pid)" x
  more_stand_ins='mkdir() {
    case $1 in */clearing) command rm -rf "${1%/*}"; command cp -r "$OTHERS" "${1%/*}" ;; esac
    command mkdir "$@"
  };' exits 4 tool prune staging
  grep -x "pid=$$" "$staging/lock/owner"
  [ ! -e "$staging/lock/clearing" ]
  # Another run is at it right now.
  rm -r "$staging/lock"
  lock_of "$(dead_pid)" x
  mkdir "$staging/lock/clearing"
  exits 4 tool prune staging
  tool unlock staging
  is_free
}

@test "a lock by hand stays until it is given back by hand" {
  exits 0 tool lock staging --reason "back at 5; \"really\" \$(id)"
  says 'staging is locked: back at 5 really id, by '
  exits 4 tool lock staging
  exits 4 deploy 1
  says "back at 5 really id"
  exits 0 tool unlock staging
  says "unlocking staging: back at 5"
  is_free
  exits 0 tool unlock staging
  says "staging is not locked"
}

@test "environments don't lock each other" {
  tool lock production
  tool prune staging
}

@test "LOCK_WAIT is how long one waits" {
  tool lock staging
  LOCK_WAIT=3 exits 4 tool prune staging
  [ "$(cat "$WORLD/naps")" = "1
1
1" ]
  export more_stand_ins='sleep() { rm -rf "$LLM_DEPLOY_HOME/staging/lock"; };'
  LOCK_WAIT=1 exits 0 tool prune staging
}

@test "is free after success, failure and refusal" {
  deploy 1
  is_free
  touch "$WORLD/no-answer"
  exits 11 deploy 2
  is_free
  exits 3 tool rollback staging 7
  is_free
  touch "$WORLD/engine-down"
  exits 1 tool stop staging
  is_free
}

@test "is free after TERM, with nothing at work and no secret left" {
  # The registry does not answer.
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\n[ "$1 $2" != "pull -q" ] || { echo $$ >"$WORLD/pulling"; exec sleep 60; }\nexec "%s" "$@"\n' "$BATS_TEST_DIRNAME/machine/docker" >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  { echo $canary; settings; } >"$BATS_TEST_TMPDIR/input"
  "${INTERPRETER:-sh}" -c "$stand_ins"'PATH=$1:$PATH; shift; . "$0"' "$bin" "$BATS_TEST_TMPDIR/bin" deploy staging "$(image 1)" \
    --built-from "$(sha 1)" --env-file - --registry-user me <"$BATS_TEST_TMPDIR/input" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  pid=$!
  for _ in {1..200}; do [ ! -s "$WORLD/pulling" ] || break; sleep 0.05; done
  [ -d "$staging/lock" ] && grep -rq $canary "$staging"
  kill -TERM $pid
  code=0
  wait $pid || code=$?
  [ $code -eq 143 ]
  is_free
  run ! kill -0 "$(cat "$WORLD/pulling")"
  run ! grep -rF $canary "$LLM_DEPLOY_HOME" "$TMPDIR"
}

@test "what takes too long is ended, kindly at first" {
  # Tenths of seconds here, enough of them for a busy machine to start the command.
  run -124 part within 30 sh -c 'trap "echo told; exit" TERM; while true; do sleep 0.1; done'
  says "told
given up: no answer in 30 s"
  run -124 part within 1 sh -c 'trap "" TERM; exec sleep 60'
  run -0 part within 100 true
  run -7 part within 100 sh -c 'exit 7'
}
