#!/usr/bin/env bats
# status as text, as JSON and repeated; and a deploy's progress on a terminal.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

@test "healthy means that the port answers with the right revision" {
  live_machine 1
  exits 0 tool status staging
  touch "$WORLD/no-answer"
  exits 5 tool status staging
  says "  NO ANSWER    /health on port 8001 does not say revision $(sha 1)"
  rm "$WORLD/no-answer"
  sha 2 >"$WORLD/revision"
  exits 5 tool status staging
  says "NO ANSWER"
  rm "$WORLD/revision"
  exits 0 tool status staging
}

@test "no answer outranks drift, in one environment or several" {
  live_machine 1
  echo old >"$WORLD/containers/llm-staging-proxy/config-hash"
  exits 1 tool status staging
  exits 1 tool status
  touch "$WORLD/no-answer"
  exits 5 tool status staging
  says "DRIFT"
  says "NO ANSWER"
  exits 5 tool status
}

@test "expects no answer from a stopped environment" {
  exits 0 tool status
  deploy 1
  tool stop staging
  exits 0 tool status staging
}

# is_json: $output is one line of JSON with these names, in this order.
is_json() {
  [ "${#lines[@]}" -eq 1 ]
  command -v jq >/dev/null || return 0
  local names="environment port fault intended release previous since by built_from promoted_as image slot answered"
  [ "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" = "$names revision lock drift exit_code" ]
}

# field FILTER VALUE
field() { [ "$(jq -c "$1" <<<"$output")" = "$2" ] || { jq -c "$1" <<<"$output"; echo "(expected: $2)"; return 1; }; }

@test "--json has the same names whatever happens" {
  command -v jq >/dev/null || skip "no jq"
  exits 0 tool status staging --json
  is_json
  field '[.environment, .port, .release, .intended, .image, .lock, .answered, .drift, .exit_code]' \
    '["staging",8001,null,null,null,null,false,[],0]'
  deploy 1
  deploy 2 --promoted-as "$(sha 7)" --actor 'github:me'
  exits 0 tool status --json staging
  is_json
  exits 0 tool status staging --json
  is_json
  field '[.intended, .release, .previous, .by, .built_from, .promoted_as,
    .image, .slot, .answered, .revision, .lock, .drift, .exit_code]' \
    "[\"up\",2,1,\"github:me\",\"$(sha 2)\",\"$(sha 7)\",\"$(image 2)\",\"green\",true,\"$(sha 2)\",null,[],0]"
  field '.since | fromdate > 0' true
  touch "$WORLD/no-answer"
  echo old >"$WORLD/containers/llm-staging-proxy/config-hash"
  tool lock staging --reason 'back at 5'
  exits 5 tool status staging --json
  is_json
  field '[.answered, .revision, .exit_code, .lock.reason, (.drift | length)]' '[false,null,5,"back at 5",1]'
  field '.drift[0]' '"the proxy runs with another configuration (fix: llm-deploy restart-proxy staging)"'
  exits 5 tool status --json
  [ "$(jq -r .environment <<<"$output" | tr '\n' ' ')" = "production staging " ]
}

@test "--json reports a lost state too" {
  command -v jq >/dev/null || skip "no jq"
  deploy 1
  : >"$staging/state"
  exits 3 tool status staging --json
  is_json
  field '[.fault, .release, .answered, .exit_code]' '["is empty",null,false,3]'
}

@test "a file that can't be opened is reported, and does not end the run" {
  [ -x /usr/bin/setpriv ] || skip "no setpriv" # busybox' has other options
  live_machine 1
  chmod 0 "$staging/state"
  overrides=-dac_override,-dac_read_search
  unprivileged() { /usr/bin/setpriv --bounding-set=$overrides --inh-caps=$overrides "$@"; }
  run unprivileged "${INTERPRETER:-sh}" -c "$stand_ins"'. "$0"' "$bin" status staging --json
  [ "$status" -eq 3 ] && [[ $output = *'"fault":"can'"'"'t be read"'*'"exit_code":3}'* ]] ||
    { echo "$status $output"; false; }
}

@test "a deploy that has just switched counts as answered" {
  live_machine 1
  mkdir "$staging/candidate"
  echo "BUILT_FROM=$(sha 2)" >"$staging/candidate/release.env"
  sha 2 >"$WORLD/revision"
  exits 5 tool status staging
  tool lock staging
  exits 0 tool status staging
  sha 3 >"$WORLD/revision"
  exits 5 tool status staging
}

@test "a server's text can't imitate the tool's output" {
  live_machine 1
  printf '#!/bin/sh\nprintf '\''{"revision":"x"\n  image        forged\033[2J'\''\n' >"$BATS_TEST_TMPDIR/curl"
  chmod +x "$BATS_TEST_TMPDIR/curl"
  PATH=$BATS_TEST_TMPDIR:$PATH exits 5 tool status staging
  run ! grep -x '  image        forged.*' <<<"$output"
  [[ $output != *$'\033'* ]]
}

@test "escapes JSON's special characters" {
  command -v jq >/dev/null || skip "no jq"
  odd=$'a "b" \\c\\ \t\n 한글 /'
  [ "$(part json_string "$odd" | jq -r .)" = 'a "b" \c\  한글 /' ]
  [ "$(part json_string '')" = null ]
}

@test "--watch repeats until its reader is gone" {
  live_machine 1
  exits 0 sh -c '"$0" "$@" | head -n 40 | grep -c "^staging"' \
    "${INTERPRETER:-sh}" -c "$stand_ins"'. "$0"' "$bin" status staging --watch
  [ "$output" -ge 2 ]
  exits 2 tool status nowhere --watch
  says "environment: 'nowhere'"
  exits 2 tool reconcile staging --json
  says "no such option: --json (see llm-deploy reconcile --help)"
}

# on_a_terminal COMMAND...
on_a_terminal() {
  command -v python3 >/dev/null || skip "no python3"
  python3 -c 'import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@" </dev/null
}

@test "a deploy shows on a terminal how long a step runs, and what it waits for" {
  live_machine 1
  touch "$WORLD/no-answer"
  settings >"$BATS_TEST_TMPDIR/settings"
  # The health check really waits for its second try, the line below it for its second.
  more_stand_ins='sleep() {
    if [ "$1" = 2 ] || [ -n "${ticks:-}" ]; then command sleep "$1"
    elif [ -n "${seconds_left:-}" ]; then command sleep 0.1
    else command sleep 0.6; fi
  };'
  exits 11 on_a_terminal "${INTERPRETER:-sh}" -c "$stand_ins$more_stand_ins"'. "$0"' "$bin" \
    deploy staging "$(image 2)" --built-from "$(sha 2)" --env-file "$BATS_TEST_TMPDIR/settings"
  [[ $output =~ $'\r\033[K  '[0-9]+' s  check green 2: try '[1-5]' of 5, after '[0-9]+' s' ]]
  # Lines of their own are complete.
  says $'\r\033[K- start green 2'
  is_free
}

@test "prints plain lines without a terminal" {
  run -0 deploy 1
  [[ $output != *$'\r'* && $output != *$'\033'* ]]
  run -0 tool status staging
  [[ $output != *$'\033'* ]]
}
