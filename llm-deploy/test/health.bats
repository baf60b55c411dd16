#!/usr/bin/env bats
# Health checks.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

naps() { tr '\n' ' ' <"$WORLD/naps"; }

# answers ANSWER...: one for each try, the last for all further ones.
answers() {
  printf '%s\n' "$@" >"$WORLD/answers"
  more_stand_ins='ask() {
    head -n 1 "$WORLD/answers"
    if [ "$(wc -l <"$WORLD/answers")" -gt 1 ]; then
      sed 1d "$WORLD/answers" >"$WORLD/rest" && mv "$WORLD/rest" "$WORLD/answers"
    fi
  };'
}

@test "tries five times, after 1, 2, 4, 8 and 16 s" {
  answers ""
  exits 1 part await_health it abc ask
  [ "$(naps)" = "1 2 4 8 16 " ]
  [ "${#lines[@]}" -eq 5 ]
  says "it: not yet (no answer), waited 16 s"
}

@test "stops trying once it is healthy" {
  answers "" '{"status":"UP","revision":"abc"}'
  exits 0 part await_health it abc ask
  [ "$(naps)" = "1 2 " ]
  says "it: healthy, revision abc"
}

@test "another revision is not healthy" {
  for other in '{"revision":"abcd"}' '{"revision":"ab"}' '{"revision":""}' '{"revisions":"abc"}' '{"status":"abc"}' \
    abc '<html>'; do
    : >"$WORLD/naps"
    answers "$other"
    exits 1 part await_health it abc ask
    [ "$(naps)" = "1 2 4 8 16 " ]
  done
}

@test "no answer is not healthy, whatever is expected" {
  answers ""
  exits 1 part await_health it "" ask
}

@test "a deploy checks the server, then the port" {
  run -0 deploy 1
  [ "$(naps)" = "1 1 " ]
  touch "$WORLD/no-answer"
  : >"$WORLD/naps"
  echo "a line of API_KEY $canary" >"$WORLD/logs"
  exits 11 deploy 2
  # The server, then the previous release's port.
  [ "$(naps)" = "1 2 4 8 16 1 2 4 8 16 " ]
  says "| a line of API_KEY <API_KEY>"
}

@test "rolls back a server with another revision" {
  live_machine 1
  sha 1 >"$WORLD/revision"
  exits 10 deploy 2
  says "not yet (it is another revision: $(sha 1))"
  says "rolled back: release 1 runs as before"
  [ "$(state current)" = 1 ]
  [ "$(cat "$WORLD/slot")" = blue ]
  [ ! -e "$WORLD/containers/llm-staging-green" ] && [ ! -e "$staging/candidate" ]
}

@test "rolls back a server that hangs" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\nexec sleep 120\n' >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  began=$SECONDS
  run ! part ask_server blue
  [ $((SECONDS - began)) -lt 100 ]
}
