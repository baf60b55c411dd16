#!/usr/bin/env bats
# Plans, and that deploy carries them out.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

planned() {
  local n=$1
  shift
  settings "$@" |
    tool plan staging "$(image "$n")" --built-from "$(sha "$n")" --env-file - |
    sed '1,/^steps:/d; s/^  //'
}

planned_in_full() {
  local n=$1
  shift
  settings "$@" | tool plan staging "$(image "$n")" --built-from "$(sha "$n")" --env-file -
}

carried_out() { sed -n 's/^- //p'; }

@test "the first deploy starts no second server" {
  [ "$(planned 1)" = "pull $(image 1)
write 1
proxy
start blue 1
check blue 1
switch blue
check-port 1
live 1 blue
ollama blue
prune" ] || { planned 1; false; }
}

@test "bluegreen drains the old server when the new one is live" {
  live_machine 1
  [ "$(planned 2)" = "pull $(image 2)
write 2
proxy
start green 2
check green 2
switch green
check-port 2
live 2 green
drain blue
remove blue
ollama green
prune" ]
}

@test "recreate removes the live server before it starts another" {
  live_machine 1
  export DEPLOY_STRATEGY=recreate
  [ "$(planned 2)" = "pull $(image 2)
write 2
proxy
remove blue
start green 2
check green 2
switch green
check-port 2
live 2 green
ollama green
prune" ]
}

@test "rollback pulls only a missing image" {
  live_machine 2
  run -0 part steps_to_roll_back 1
  [ "${lines[0]}" = proxy ] && [ "${lines[6]}" = "drain green" ] && [ "${#lines[@]}" -eq 9 ]
  rm "$WORLD/images/$(digest 1)"
  run -0 part steps_to_roll_back 1
  [ "${lines[0]}" = "pull $(image 1)" ] && [ "${lines[1]}" = proxy ] && [ "${#lines[@]}" -eq 10 ]
}

@test "deploy carries out what plan prints, and nothing else" {
  for strategy in bluegreen recreate; do
    export DEPLOY_STRATEGY=$strategy
    for n in 1 2; do
      steps=$(planned $n "KEEP_ALIVE=$strategy")
      [ -n "$steps" ]
      done=$(settings "KEEP_ALIVE=$strategy" | tool deploy staging "$(image $n)" --built-from "$(sha $n)" --env-file -)
      [ "$(carried_out <<<"$done")" = "$steps" ]
    done
  done
}

@test "plan changes nothing" {
  live_machine 1
  before=$(find "$LLM_DEPLOY_HOME" "$WORLD/containers" "$WORLD/images" -type f -exec cksum {} + | sort)
  planned 2
  [ "$(find "$LLM_DEPLOY_HOME" "$WORLD/containers" "$WORLD/images" -type f -exec cksum {} + | sort)" = "$before" ]
}

@test "plan shows the names of settings that change, and no value" {
  settings CONNECT_TIMEOUT=$canary-1 KEEP_ALIVE=$canary OTHER_KEY=$canary |
    tool deploy staging "$(image 1)" --built-from "$(sha 1)" --env-file -
  run -0 tool plan staging "$(image 2)" --built-from "$(sha 2)" --env-file - \
    < <(settings KEEP_ALIVE=$canary OTHER_KEY=$canary-2 IDLE_TIMEOUT=$canary)
  says "image:    $(image 1)
       -> $(image 2)
settings:
  + IDLE_TIMEOUT
  - CONNECT_TIMEOUT
  ~ OTHER_KEY
steps:"
  [[ $output != *"$canary"* ]]
}

# old_release N: makes a live release of an image whose default is X-Client-Id.
old_release() {
  local file=$staging/releases/$1/compose/server.yaml
  grep -v client-id-header "$file" >"$BATS_TEST_TMPDIR/server.yaml"
  ! cmp -s "$file" "$BATS_TEST_TMPDIR/server.yaml" && cp "$BATS_TEST_TMPDIR/server.yaml" "$file" &&
    echo "$(part compose_hash "$staging/releases/$1/compose") then me" >>"$LLM_DEPLOY_HOME/approved"
}

# warns_of_header TIMES COMMAND...: it warns so often about another client header.
warns_of_header() {
  exits 0 "${@:2}"
  [ "$(grep -c '^warning: clients are identified by' <<<"$output")" -eq "$1" ]
}

@test "warns about a release that relies on the old default of CLIENT_ID_HEADER" {
  warns_of_header 0 planned_in_full 1
  deploy 1
  warns_of_header 0 planned_in_full 2
  old_release 1
  warns_of_header 1 planned_in_full 2
  says "warning: clients are identified by CF-Connecting-IP, no longer by X-Client-Id:" \
    "CLIENT_ID_HEADER is not set (see docs/operations.md, step 9)"
  warns_of_header 0 planned_in_full 2 CLIENT_ID_HEADER=X-Client-Id
  warns_of_header 1 deploy 2
  warns_of_header 0 deploy 3
  # The previous release still has the old default.
  warns_of_header 1 tool rollback staging 1
  says "clients are identified by X-Client-Id, no longer by CF-Connecting-IP"
}

@test "does not warn about a release that sets CLIENT_ID_HEADER" {
  settings CLIENT_ID_HEADER=X-Client-Id | tool deploy staging "$(image 1)" --built-from "$(sha 1)" --env-file -
  old_release 1
  warns_of_header 0 planned_in_full 2
  warns_of_header 0 planned_in_full 2 CLIENT_ID_HEADER=X-User
}

@test "does nothing for a release that is live already" {
  live_machine 1
  [ "$(settings | tool plan staging "$(image 1)" --built-from "$(sha 1)" --env-file -)" \
    = "nothing: release 1 has the same image and settings" ]
  exits 0 deploy 1
  says "nothing was done"
  [ "$(state current)" = 1 ]
  grep '"outcome":"no_change"' "$staging/history"
}

@test "stops at the first step that fails" {
  touch "$WORLD/no-start"
  exits 12 deploy 1
  says "FAILED: start blue 1"
  [ "$(carried_out <<<"$output" | tail -1)" = "start blue 1" ]
}
