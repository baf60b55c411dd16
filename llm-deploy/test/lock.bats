#!/usr/bin/env bats
# The lock: one run at a time, and no stale locks.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  at_work='Thu Jan  1 00:00:01 2026'
}

# lock_of PID STARTED [NUMBER]: a run's lock file.
lock_of() {
  mkdir -p "$staging/lock"
  printf '%s\n' kind=run "pid=$1" "began=$2" reason=work actor=me at=then seconds=0 >"$staging/lock/${3:-1}"
}

dead_pid() { sh -c 'echo $$'; }

@test "a running verb blocks others" {
  lock_of $$ "$(tr -s ' ' <<<"$at_work")"
  exits 4 deploy 1
  says "staging is locked: work, by me, since then"
  exits 4 tool rollback staging
  exits 4 tool stop staging
  exits 4 tool prune staging
  exits 4 tool lock staging
  exits 4 tool unlock staging
  says "staging is in use"
  grep -x "pid=$$" "$staging/lock/1"
  nothing_was_touched
}

@test "an ended run blocks nobody" {
  for left in "$(dead_pid) $at_work" "$$ Wed Dec 31 23:59:59 2025" "$(dead_pid) "; do
    rm -rf "$staging/lock"
    lock_of "${left%% *}" "$(tr -s ' ' <<<"${left#* }")"
    exits 0 tool prune staging
    says "taking over the lock of a run that has ended: work, by me"
    is_free
  done
}

@test "without a start time from ps, a used pid counts as running" {
  lock_of $$ ""
  exits 4 tool prune staging
}

@test "another user's run counts as running" {
  lock_of 1 "$(tr -s ' ' <<<"$at_work")"
  echo "$at_work" >"$WORLD/start-of-1"
  more_stand_ins='kill() { return 1; };' exits 4 tool prune staging
}

@test "a start time is the same in every time zone" {
  command -v ps >/dev/null && [ -z "${TOOLS:-}" ] || skip "ps as the system has it"
  stand_ins=
  [ -n "$(TZ=Asia/Seoul part process_start $$)" ]
  [ "$(TZ=Asia/Seoul part process_start $$)" = "$(TZ=America/Lima part process_start $$)" ]
}

@test "removes files of killed runs, but not of running ones" {
  dead=$(dead_pid)
  mkdir -p "$staging/lock" "$staging/run.$dead" "$staging/run.$$"
  touch "$staging/lock/new.$dead" "$staging/lock/new.$$"
  tool prune staging
  [ -d "$staging/run.$$" ] && [ -f "$staging/lock/new.$$" ]
  [ ! -e "$staging/run.$dead" ] && [ ! -e "$staging/lock/new.$dead" ]
}

# before_ln COMMANDS: run between the tool's check of the lock and its ln.
before_ln() {
  export BEGAN=$at_work PID=$$
  more_stand_ins="ln() {
    if [ ! -e \"\$WORLD/done\" ]; then : >\"\$WORLD/done\"; ( cd \"\$LLM_DEPLOY_HOME/staging/lock\"; $1 ); fi
    command ln \"\$@\"
  };"
}
theirs='printf "%s\n" kind=run "pid=$PID" "began=$BEGAN"'

@test "only one of two runs gets a free lock" {
  before_ln "$theirs >1"
  exits 4 tool prune staging
  grep -x "pid=$$" "$staging/lock/1"
  [ "$(ls "$staging/lock")" = 1 ]
}

@test "only one of two runs takes over a lock" {
  lock_of "$(dead_pid)" x
  before_ln "$theirs >2"
  exits 4 tool prune staging
  grep -x "pid=$$" "$staging/lock/2"
  [ "$(ls "$staging/lock" | tr '\n' ' ')" = "1 2 " ]
}

@test "does not take a number that was used meanwhile" {
  lock_of "$(dead_pid)" x
  # A third run has the lock; the files of the first two are removed.
  before_ln "rm 1; : >3; $theirs >4"
  exits 4 tool prune staging
  grep -x "pid=$$" "$staging/lock/4"
  [ "$(ls "$staging/lock" | tr '\n' ' ')" = "3 4 " ]
}

@test "many runs work one at a time" {
  # Each takes the lock over from a killed run.
  lock_of "$(dead_pid)" x
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '%s\n' '#!/bin/sh' 'mkdir "$WORLD/at-work" || echo both >>"$WORLD/both"' 'sleep 0.2' \
    'echo once >>"$WORLD/turns"' 'rmdir "$WORLD/at-work"' >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  for _ in 1 2 3 4 5 6; do PATH=$BATS_TEST_TMPDIR/bin:$PATH LOCK_WAIT=600 tool prune staging >/dev/null 2>&1 & done
  wait
  [ ! -e "$WORLD/both" ] && [ "$(wc -l <"$WORLD/turns")" -eq 6 ] && is_free
  [ "$(basename "$(newest_lock)")" -eq 7 ]
}

@test "a manual lock stays until it is unlocked by hand" {
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

@test "respects a lock of the previous version" {
  mkdir -p "$staging/lock"
  printf '%s\n' kind=manual reason=before actor=me at=then seconds=0 >"$staging/lock/owner"
  exits 4 deploy 1
  says "staging is locked: before, by me"
  exits 0 tool unlock staging
  exits 0 deploy 1
  [ ! -e "$staging/lock/owner" ]
}

@test "environments don't lock each other" {
  tool lock production
  tool prune staging
}

@test "waits for a lock as long as LOCK_WAIT" {
  tool lock staging
  LOCK_WAIT=3 exits 4 tool prune staging
  [ "$(cat "$WORLD/naps")" = "1
1
1" ]
  export more_stand_ins='sleep() {
    if [ -n "${seconds_left:-}" ]; then command sleep 0.1; else : >"$LLM_DEPLOY_HOME/staging/lock/1"; fi
  };'
  LOCK_WAIT=1 exits 0 tool prune staging
}

@test "is free after success, failure and refusal" {
  live_machine 1
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

@test "is free after TERM, without a running process or a secret left" {
  # The registry does not answer.
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '%s\n' '#!/bin/sh' '[ "$1 $2" != "pull -q" ] || { echo $$ >"$WORLD/pulling"; exec sleep 60; }' \
    "exec \"$BATS_TEST_DIRNAME/machine/docker\" \"\$@\"" >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  { echo $canary; settings; } >"$BATS_TEST_TMPDIR/input"
  "${INTERPRETER:-sh}" -c "$stand_ins"'PATH=$1:$PATH; shift; . "$0"' "$bin" "$BATS_TEST_TMPDIR/bin" \
    deploy staging "$(image 1)" --built-from "$(sha 1)" --env-file - --registry-user me \
    <"$BATS_TEST_TMPDIR/input" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  pid=$!
  for _ in {1..200}; do [ ! -s "$WORLD/pulling" ] || break; sleep 0.05; done
  [ -s "$(newest_lock)" ] && grep -rq $canary "$staging"
  kill -TERM $pid
  code=0
  wait $pid || code=$?
  [ $code -eq 143 ]
  is_free
  run ! kill -0 "$(cat "$WORLD/pulling")"
  run ! grep -rF $canary "$LLM_DEPLOY_HOME" "$TMPDIR"
}

@test "ends what takes too long, by TERM first" {
  # In tenths of seconds; enough for a busy machine to start the command.
  run -124 part within 30 sh -c 'trap "echo told; exit" TERM; while true; do sleep 0.1; done'
  says "told
timed out: no answer in 30 s"
  run -124 part within 1 sh -c 'trap "" TERM; exec sleep 60'
  run -0 part within 100 true
  run -7 part within 100 sh -c 'exit 7'
}
