#!/usr/bin/env bats
# reconcile restores what should run, and changes nothing else.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
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

@test "prints nothing if everything runs, or nothing was deployed" {
  is_silent
  deploy 1
  is_silent
  exits 0 tool reconcile
  [ -z "$output" ]
  tool status
}

@test "restores what does not run" {
  live_machine 1
  for each in blue proxy; do
    down $each
    exits 5 tool status staging
    says "DRIFT"
    exits 0 tool reconcile staging
    says "staging: restored (up)"
    runs $each
    is_silent
  done
}

@test "removes files and servers of a killed run" {
  live_machine 1
  mkdir "$staging/candidate"
  cp -r "$WORLD/containers/llm-staging-blue" "$WORLD/containers/llm-staging-green"
  echo green >"$WORLD/slot"
  exits 0 tool reconcile staging
  [ "$(cat "$WORLD/slot")" = blue ] && [ ! -e "$WORLD/containers/llm-staging-green" ] && [ ! -e "$staging/candidate" ]
  is_silent
}

@test "prints nothing about drift that it can't repair" {
  live_machine 1
  rm "$WORLD/images/$(digest 1)"
  sha 1 >"$WORLD/revision"
  echo "A=by hand" >>"$staging/releases/1/env"
  echo old >"$WORLD/containers/llm-staging-proxy/config-hash"
  is_silent
  exits 1 tool status staging
  says "DRIFT        the image is gone from this machine"
  says "DRIFT        releases/1/env was edited by hand"
  says "DRIFT        the proxy runs with another configuration"
}

@test "skips a locked environment" {
  live_machine 1
  down blue
  tool lock staging --reason repair
  exits 0 tool reconcile staging
  says "staging: skipped, locked: repair"
  run ! runs blue
}

@test "skips a stopped environment" {
  live_machine 1
  tool stop staging
  run ! runs blue
  is_silent
  echo true >"$WORLD/containers/llm-staging-blue/running"
  exits 0 tool reconcile staging
  says "restored (down)"
  run ! runs blue
  tool start staging
  runs blue
  tool stop staging
  deploy 2
  runs green
  [ "$(state intended)" = up ]
}

@test "says that it can't restore" {
  live_machine 1
  down blue
  touch "$WORLD/no-answer"
  exits 1 tool reconcile staging
  says "staging can't be restored"
  is_free
}

# --- a server that runs, but does not answer

# Each check is a minute after the previous one.
minute_passed() {
  local now
  [ -f "$staging/liveness" ] || return 0
  now=$(cat "$WORLD/clock" 2>/dev/null || date +%s)
  sed "s/^at=.*/at=$((now - ${1:-60}))/" "$staging/liveness" >"$WORLD/look"
  cp "$WORLD/look" "$staging/liveness"
}

reconcile() {
  minute_passed || true
  tool reconcile staging
}

hangs() { touch "$WORLD/no-answer-until-restart"; }

# A proxy with these streams to the live server: "NUMBER BYTES" each.
streams() {
  local each
  echo "0x7e: [now] id=99 proto=tcpv4 source=1" >"$WORLD/sessions" # whoever asks
  for each; do
    printf '%s\n' "0x7f: [now] id=${each% *} proto=tcpv4 source=1" "  backend=$(cat "$WORLD/slot") (id=3 mode=http)" \
      '  req=0x1 (f=0 total=9)' "  res=0x2 (f=0 tofwd=-1 total=${each#* })" >>"$WORLD/sessions"
  done
}

misses() {
  exits 0 reconcile
  says " staging: llm-staging-blue does not answer /health, miss $1 of 3"
}

restarts() { grep -c '^docker restart' "$WORLD/argv" || true; }

@test "restarts a hanging server at the third miss, with a thread dump in the log" {
  live_machine 1
  streams
  hangs
  misses 1
  misses 2
  [ "$(restarts)" -eq 0 ]
  exits 0 reconcile
  says "llm-staging-blue did not answer and was restarted; the thread dump is in its log"
  # Before the restart, not after it.
  [ "$(grep -e '^docker kill' -e '^docker restart' "$WORLD/argv")" = "docker kill -s QUIT llm-staging-blue
docker restart -t 10 llm-staging-blue" ]
  [[ $(tail -1 "$staging/history") = '{"number":1,'*'"kind":"restart","actor":'*'"outcome":"done"'* ]]
  is_silent
  is_free
}

@test "restarts a server that Docker calls unhealthy, even if it answers" {
  live_machine 1
  streams
  touch "$WORLD/unhealthy"
  misses 1
  exits 1 tool status staging
  says "DRIFT        Docker calls llm-staging-blue unhealthy"
  misses 2
  exits 0 reconcile
  says "was restarted"
}

@test "a response in between resets the misses" {
  live_machine 1
  streams
  hangs
  misses 1
  misses 2
  rm "$WORLD/no-answer-until-restart"
  is_silent
  hangs
  misses 1
  # Another request was answered.
  echo 7 >"$WORLD/answers"
  misses 1
  misses 2
  [ "$(restarts)" -eq 0 ]
}

@test "checks in quick succession count as one, old ones don't count" {
  live_machine 1
  streams
  hangs
  misses 1
  exits 0 tool reconcile staging
  [ -z "$output" ]
  misses 2
  minute_passed 181
  exits 0 tool reconcile staging
  says "miss 1 of 3"
}

@test "does not restart a server that answers from inside" {
  live_machine 1
  streams
  touch "$WORLD/port-closed"
  for _ in 1 2 3 4; do
    exits 1 reconcile
    says "llm-staging-blue answers, but port 8001 does not (fix: llm-deploy restart-proxy staging)"
  done
  [ "$(restarts)" -eq 0 ]
}

@test "does not restart a server that answers again" {
  live_machine 1
  streams
  hangs
  misses 1
  misses 2
  # While is_streaming waits.
  export more_stand_ins="sleep() {
    if [ -n \"\${seconds_left:-}\" ]; then command sleep 0.1; else rm -f '$WORLD/no-answer-until-restart'; fi
  };"
  misses 3
  [ "$(restarts)" -eq 0 ]
}

@test "a new server has no misses yet" {
  live_machine 1
  streams
  hangs
  misses 1
  misses 2
  echo again >"$WORLD/containers/llm-staging-blue/started"
  misses 1
}

@test "restarts no server while a response is streaming" {
  live_machine 1
  hangs
  streams "1 100" "2 200"
  export more_stand_ins="sleep() {
    if [ -n \"\${seconds_left:-}\" ]; then command sleep 0.1; return; fi
    sed 's/total=200/total=210/' '$WORLD/sessions' >'$WORLD/later'
    mv '$WORLD/later' '$WORLD/sessions'
  };"
  misses 1
  misses 2
  exits 0 reconcile
  says "llm-staging-blue is not restarted: responses are still streaming"
  [ "$(restarts)" -eq 0 ]
  is_free
  # It waits, but no dump comes.
  exits 0 reconcile
  says "was restarted"
}

@test "new, ended and other slots' responses don't count as streaming" {
  live_machine 1
  hangs
  streams "1 100" "6 359"
  sed '/id=1 /,$s/backend=blue/backend=green/; s/total=100/total=900/' "$WORLD/sessions" >"$WORLD/later"
  streams "6 359"
  cat "$WORLD/sessions" >>"$WORLD/later"
  # The proxy's own response to a new request, and another slot's response.
  streams "1 100" "2 200"
  export more_stand_ins="sleep() {
    if [ -n \"\${seconds_left:-}\" ]; then command sleep 0.1; else cp '$WORLD/later' '$WORLD/sessions'; fi
  };"
  misses 1
  misses 2
  exits 0 reconcile
  says "was restarted"
}

@test "restarts no server while the proxy does not answer" {
  live_machine 1
  hangs
  misses 1
  misses 2
  rm -f "$WORLD/sessions"
  exits 0 reconcile
  says "is not restarted: its proxy does not say whether responses are streaming"
  [ "$(restarts)" -eq 0 ]
}

@test "restarts no server while a verb runs" {
  live_machine 1
  streams
  hangs
  misses 1
  misses 2
  tool lock staging --reason deploy
  exits 0 reconcile
  says "skipped, locked"
  [ "$(restarts)" -eq 0 ]
}

@test "restarts at most three times an hour" {
  live_machine 1
  streams
  export more_stand_ins='date() { case $* in +%s) cat "$WORLD/clock" ;; *) command date "$@" ;; esac; };'
  for at in 1000 2000 3000; do
    echo $at >"$WORLD/clock"
    hangs
    misses 1
    misses 2
    exits 0 reconcile
  done
  [ "$(restarts)" -eq 3 ]
  hangs
  misses 1
  misses 2
  echo 4599 >"$WORLD/clock"
  exits 1 reconcile
  says "llm-staging-blue was restarted 3 times within the hour, and does not answer again" \
    "(fix: llm-deploy rollback staging)"
  [ "$(restarts)" -eq 3 ]
  echo 4601 >"$WORLD/clock"
  exits 0 reconcile
  [ "$(restarts)" -eq 4 ]
}

@test "a restart that does not help is reported and recorded" {
  live_machine 1
  streams
  hangs
  misses 1
  misses 2
  touch "$WORLD/no-answer"
  exits 1 reconcile
  says "llm-staging-blue did not answer, was restarted, and still does not answer"
  [[ $(tail -1 "$staging/history") = *'"kind":"restart",'*'"outcome":"failed"'* ]]
  is_free
}

@test "corrects a proxy with another target, without restarting a server" {
  live_machine 2
  echo blue >"$WORLD/slot"
  exits 0 reconcile
  says "restored (up)"
  [ "$(cat "$WORLD/slot")" = green ]
}
