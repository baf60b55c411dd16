#!/usr/bin/env bats
# Runs ../bin/render-env by $INTERPRETER (default: sh), with $TOOLS first in PATH. Random values print their seed;
# SEED=… repeats it.
# shellcheck disable=SC2016,SC1003 # nobody must expand the odd values
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
bats_require_minimum_version 1.5.0

setup() {
  script=$BATS_TEST_DIRNAME/../bin/render-env
  file=$BATS_TEST_TMPDIR/.env.staging
  path=${TOOLS:+$TOOLS:}$PATH
  export SETTING_OLLAMA_BASE_URL=http://host.docker.internal:11434 SETTING_MODEL_NAME=qwen3:4b \
    SETTING_RATE_LIMIT_RPM=60 SETTING_ALLOWED_ORIGINS=https://staging.example.com
}

render() { PATH=$BATS_TEST_TMPDIR/spies:$path "${INTERPRETER:-sh}" "$script" "$@"; }

# A shell can't trap signals ignored at its start: HUP under nohup, INT in the background.
render_hearing() {
  PATH=$BATS_TEST_TMPDIR/spies:$path perl -e '$SIG{HUP} = $SIG{INT} = "DEFAULT"; exec @ARGV' \
    "${INTERPRETER:-sh}" "$script" "$@"
}

# spy TOOL COMMAND...: the shell command runs before the tool does.
spy() {
  [[ ${INTERPRETER:-} != *busybox* ]] || skip "busybox's shell runs no tools but its own"
  mkdir -p "$BATS_TEST_TMPDIR/spies"
  printf '#!/bin/sh\n%s\nPATH="%s"\nexec %s "$@"\n' "$2" "$path" "$1" >"$BATS_TEST_TMPDIR/spies/$1"
  chmod +x "$BATS_TEST_TMPDIR/spies/$1"
}

# refuses LINE...: exactly these lines on stderr, status 2, and the file is unchanged, alone in its directory.
refuses() {
  echo old >"$file"
  run --separate-stderr render "${environment:-staging}" "$file"
  printf 'status %s\n%s\n' "$status" "$stderr"
  [ "$status" -eq 2 ]
  [ "$stderr" = "$(printf 'render-env: %s\n' "$@")" ]
  [ "$(cat "$file")" = old ]
  nothing_else_is_there
}

nothing_else_is_there() { [ "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name '.env*')" = "$file" ]; }

# writes FILE: the output has the lines of FILE, byte for byte.
writes() {
  render staging "$file"
  cmp "$1" "$file"
}

minimum() {
  printf '%s\n' APP_ENV=staging OLLAMA_BASE_URL=http://host.docker.internal:11434 MODEL_NAME=qwen3:4b "$@" \
    RATE_LIMIT_RPM=60 ALLOWED_ORIGINS=https://staging.example.com '# end'
}

@test "writes what is set, and nothing else" {
  export SETTING_NUM_CTX=4096 SETTING_KEEP_ALIVE='' SETTING_SYSTEM_PROMPT='  '
  minimum NUM_CTX=4096 >"$BATS_TEST_TMPDIR/expected"
  writes "$BATS_TEST_TMPDIR/expected"
}

@test "writes to stdout as well" {
  run --separate-stderr render staging -
  [ "$status" -eq 0 ] && [ "$output" = "$(minimum)" ] && [ -z "$stderr" ]
}

@test "writes every environment" {
  for environment in local staging production; do
    render $environment - | grep -x "APP_ENV=$environment"
  done
  run env -i PATH="$path" "${INTERPRETER:-sh}" "$script" local -
  [ "$output" = "APP_ENV=local
# end" ]
}

@test "ignores variables without the prefix" {
  export NUM_CTX=1 GITHUB_TOKEN=ghs_1 MYSETTING_NUM_CTX=1 other=$'a\nSETTING_NOPE=b'
  minimum >"$BATS_TEST_TMPDIR/expected"
  writes "$BATS_TEST_TMPDIR/expected"
}

@test "writes values unchanged" {
  for value in '"quoted"' "it's" '$HOME ${X:-y} $(id) `id`' ' #no comment ' '  both ends  ' 'back\slash\n\t\\' '\' \
    '{"a": [1, "b\"c"]}' '한글 🙂 ñ' '%s %d %%' '-n' '-e x' '*' '~' '!' '=a=b=' "a${IFS:1:1}tab${IFS:1:1}" \
    007 1e3 0x10 ' 60 ' nan "$(printf 'x%.0s' {1..8192})"; do
    export SETTING_SYSTEM_PROMPT=$value
    run --keep-empty-lines render staging -
    [ "${lines[5]}" = "SYSTEM_PROMPT=$value" ] || { printf '%s\n' "${lines[@]}"; false; }
  done
}

@test "writes random values unchanged" {
  local LC_ALL=C seed=${SEED:-$RANDOM}
  local pieces=('"' "'" '$' '`' '\' '#' ' ' $'\t' '=' '%' '{' '}' '[' ']' '|' '&' ';' '<' '>'
    '(' ')' '*' '?' '!' '~' ',' 'é' '한' '🙂' $'\xc2\x85' $'\xef\xbb\xbf' '\n' '\0' '%s' '$$' '${X}' '--' 0 1 a Z)
  echo "SEED=$seed"
  RANDOM=$seed
  local rounds=4
  [ -z "${FULL:-}" ] || rounds=40
  for ((round = 0; round < rounds; round++)); do
    : >"$BATS_TEST_TMPDIR/expected"
    while read -r name; do
      value=
      if [ "$name" = APP_ENV ]; then
        value=staging
      else
        for ((length = RANDOM % 40; length >= 0; length--)); do
          value+=${pieces[RANDOM % ${#pieces[@]}]}
          if ((RANDOM % 8 == 0)); then
            printf -v byte '\\x%x' $((128 + RANDOM % 128))
            printf -v byte '%b' "$byte"
            value+=$byte
          fi
        done
        value+=.
        export "SETTING_$name=$value"
      fi
      printf '%s=%s\n' "$name" "$value" >>"$BATS_TEST_TMPDIR/expected"
    done < <(settings_of_staging)
    echo '# end' >>"$BATS_TEST_TMPDIR/expected"
    writes "$BATS_TEST_TMPDIR/expected"
  done
}

settings_of_staging() { sed -nE 's/^#?([A-Z_]+)=.*/\1/p' "$BATS_TEST_DIRNAME/../env/.env.staging.example"; }

@test "reports all missing values at once" {
  unset SETTING_MODEL_NAME
  export SETTING_RATE_LIMIT_RPM='' SETTING_ALLOWED_ORIGINS=$' \t'
  refuses 'SETTING_ALLOWED_ORIGINS: not set (expected: a value; required in staging)' \
    'SETTING_MODEL_NAME: not set (expected: a value; required in staging)' \
    'SETTING_RATE_LIMIT_RPM: not set (expected: a value; required in staging)'
}

@test "refuses unknown names" {
  export SETTING_RATE_LIMIT_RMP=60 SETTING_model_name='' SETTING_=x
  refuses "SETTING_: unknown (expected: a name in manifest.csv)" \
    "SETTING_RATE_LIMIT_RMP: unknown (expected: a name in manifest.csv)" \
    "SETTING_model_name: unknown (expected: a name in manifest.csv)"
}

@test "refuses settings that the environment doesn't have, unless empty" {
  export SETTING_APP_REVISION='' SETTING_SIMULATOR_TOKENS_PER_SECOND=5
  refuses 'SETTING_SIMULATOR_TOKENS_PER_SECOND: set (expected: nothing; it is no setting of staging)'
  render local - | grep -x SIMULATOR_TOKENS_PER_SECOND=5
}

@test "refuses control characters, except tabs" {
  for character in $'\n' $'\r' $'\x01' $'\x1b' $'\x7f' $'\v'; do
    for value in "$character" "a$character" "${character}a" "a${character}SETTING_NOPE=b"; do
      export SETTING_SYSTEM_PROMPT=$value
      refuses 'SETTING_SYSTEM_PROMPT: has a line break or another control character (expected: one line of text)'
    done
  done
}

@test "refuses lines that Compose can't read" {
  SETTING_SYSTEM_PROMPT=$(printf 'x%.0s' {1..65521})
  export SETTING_SYSTEM_PROMPT
  render staging "$file"
  SETTING_SYSTEM_PROMPT+=x
  refuses 'SETTING_SYSTEM_PROMPT: too long (expected: at most 65535 bytes with its name, which is what Compose reads)'
}

@test "refuses another APP_ENV than the one that is written" {
  export SETTING_APP_ENV=staging
  render staging - | grep -x APP_ENV=staging
  SETTING_APP_ENV=production
  refuses 'SETTING_APP_ENV: another environment (expected: staging, or nothing)'
}

@test "refuses other arguments" {
  for arguments in "" staging "prod -" "kind -" "staging - -"; do
    # shellcheck disable=SC2086 # as many as there are
    run render $arguments
    [ "$status" -eq 2 ]
  done
}

@test "shows no value in output or arguments" {
  spy_on_all 'echo "$0 $*" >>"'"$BATS_TEST_TMPDIR"'/arguments"'
  export SETTING_SYSTEM_PROMPT='hush hush'
  render staging "$file"
  [ "$(grep -c . "$BATS_TEST_TMPDIR/arguments")" -gt 5 ]
  export SETTING_NOPE='hush hush' SETTING_APP_ENV='hush hush' SETTING_APP_REVISION='hush hush'
  export SETTING_NUM_CTX=$'hush\nhush'
  run render staging "$file"
  [ "$status" -eq 2 ]
  [[ $output != *hush* ]]
  run grep hush "$BATS_TEST_TMPDIR/arguments"
  [ "$status" -eq 1 ]
}

spy_on_all() { for tool in awk sort cmp mktemp mv rm dirname; do spy $tool "$1"; done; }

@test "is readable only for its owner, from the first byte on" {
  spy cmp "ls -l '$file'.* >>'$BATS_TEST_TMPDIR/modes'"
  umask 000
  render staging "$file"
  [[ $(ls -l "$file") = -rw-------* ]]
  [[ $(cat "$BATS_TEST_TMPDIR/modes") = -rw-------* ]]
  nothing_else_is_there
}

@test "replaces a file atomically, and restricts its mode" {
  echo old >"$file"
  chmod 644 "$file"
  exec 4<"$file"
  render staging "$file"
  [ "$(cat <&4)" = old ]
  [ "$(cat "$file")" = "$(minimum)" ]
  [[ $(ls -l "$file") = -rw-------* ]]
}

@test "leaves no file when it is stopped" {
  echo old >"$file"
  for signal in HUP:129 INT:130 TERM:143; do
    spy cmp "ls '$file'.* >'$BATS_TEST_TMPDIR/seen'; kill -${signal%:*} \$PPID"
    run render_hearing staging "$file"
    [ "$status" -eq "${signal#*:}" ]
    [ -s "$BATS_TEST_TMPDIR/seen" ]
    [ "$(cat "$file")" = old ]
    nothing_else_is_there
  done
}

@test "leaves no file when it can't write" {
  echo old >"$file"
  for tool in cmp mv mktemp; do
    rm -rf "$BATS_TEST_TMPDIR/spies"
    spy $tool 'exit 1'
    run render staging "$file"
    [ "$status" -eq 1 ]
    [ "$(cat "$file")" = old ]
    nothing_else_is_there
  done
  run render staging "$BATS_TEST_TMPDIR/nowhere/.env.staging"
  [ "$status" -eq 1 ]
}

@test "detects a full disk" {
  # One awk does not report what all others do.
  spy cmp "for part in '$file'.*; do : >\"\$part\"; done"
  run render staging "$file"
  [ "$status" -eq 1 ]
  [[ ${lines[${#lines[@]} - 1]} = *"could not be written" ]]
  [ ! -e "$file" ]
}

@test "writes to regular files only" {
  cd "$BATS_TEST_TMPDIR"
  mkdir directory
  mkfifo pipe
  echo old >target
  ln -s target link
  ln -s nowhere dangling
  for odd in directory pipe link dangling /dev/null; do
    run render staging $odd
    [ "$status" -eq 2 ]
  done
  [ "$(cat target)" = old ]
  render staging -odd\ name
  [ -s "./-odd name" ]
}

@test "a new row of the manifest is enough, secret or not" {
  cp -r "$BATS_TEST_DIRNAME/../bin" "$BATS_TEST_DIRNAME/../env" "$BATS_TEST_TMPDIR"
  script=$BATS_TEST_TMPDIR/bin/render-env
  echo 'API_KEY | secret | deploy | - | required `x` | | a key' >>"$BATS_TEST_TMPDIR/env/manifest.csv"
  refuses 'SETTING_API_KEY: not set (expected: a value; required in staging)'
  environment=production refuses 'SETTING_API_KEY: not set (expected: a value; required in production)'
  export SETTING_API_KEY='$k3y '
  { minimum | sed '$d'; printf '%s\n' 'API_KEY=$k3y ' '# end'; } >"$BATS_TEST_TMPDIR/expected"
  writes "$BATS_TEST_TMPDIR/expected"
  environment=local refuses 'SETTING_API_KEY: set (expected: nothing; it is no setting of local)'
}
