#!/usr/bin/env bats
# Secrets are never shown.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  file="$BATS_TEST_TMPDIR/an env"
}

# becomes EXPECTED TEXT: redacted with the settings in $file.
becomes() {
  run -0 part redact "$file" <<<"$2"
  [ "$output" = "$1" ] || { printf '%s\n' "$output" "(expected: $1)"; return 1; }
}

@test "replaces values by names" {
  printf '%s\n' '# a comment=comment' API_KEY=s3cret-value URL=https://x.test/ OTHER=s3cret-valor '# end' >"$file"
  becomes 'key <API_KEY>, <API_KEY><API_KEY>; at <URL>v1, a comment' \
    'key s3cret-value, s3cret-values3cret-value; at https://x.test/v1, a comment'
  becomes 's3cret-valu' 's3cret-valu'
  becomes '' ''
}

@test "matches values literally" {
  for value in '.*.*.*.*' '[a-z]+$' '\d\w\\' 'a|b|c|d' '^start$' '&&&&&&' '%s%d%n' 'a=b=c=d' '"quotes"' "it's it" \
    '한글 값' '$(id)`x`'; do
    printf 'KEY=%s\n' "$value" >"$file"
    becomes 'abcdef <KEY> <KEY>!' "abcdef $value $value!"
  done
}

@test "replaces longer values first, and no names" {
  for order in 'A=secret-1 B=secret-1-and-more' 'B=secret-1-and-more A=secret-1'; do
    tr ' ' '\n' <<<"$order" >"$file"
    becomes '<B> <A> <B>' 'secret-1-and-more secret-1 secret-1-and-more'
  done
  printf '%s\n' OTHER_KEY=API_KEY API_KEY=OTHER_KEY X=aaaaaa >"$file"
  becomes '<API_KEY> <OTHER_KEY>' 'OTHER_KEY API_KEY'
  becomes '<X><X>aaa' 'aaaaaaaaaaaaaaa'
}

@test "keeps short values" {
  printf '%s\n' NUM=60 MODE=on EMPTY= FIVE=12345 >"$file"
  becomes '60 on 12345' '60 on 12345'
}

@test "keeps values that are no secret in the manifest" {
  printf '%s\n' APP_ENV=production SYSTEM_PROMPT=harmless MODEL_NAME=qwen3:4b API_KEY=$canary GONE_KEY=gone-canary \
    >"$file"
  becomes 'production harmless qwen3:4b <API_KEY> <GONE_KEY>' "production harmless qwen3:4b $canary gone-canary"
}

@test "prints nothing without the settings" {
  run ! part redact "$BATS_TEST_TMPDIR/nowhere" <<<"$canary"
  [[ $output != *"$canary"* ]]
}

@test "shows no secret in output, arguments or files" {
  echo "API_KEY is $canary" >"$WORLD/logs"
  # A shell's external commands are in the process list.
  for each in sed awk grep env cat tr; do
    printf '#!/bin/sh\necho "%s $*" >>"%s/argv"\nPATH="%s"\nexec %s "$@"\n' $each "$WORLD" "$PATH" $each \
      >"$TMPDIR/$each"
    chmod +x "$TMPDIR/$each"
  done
  (
    PATH=$TMPDIR:$PATH
    { echo $canary; settings; } |
      tool deploy staging "$(image 1)" --built-from "$(sha 1)" --env-file - --registry-user me
    { echo $canary; settings OTHER_KEY=$canary; } |
      tool plan staging "$(image 2)" --built-from "$(sha 2)" --env-file - --registry-user me
    touch "$WORLD/no-start"
    settings OTHER_KEY=$canary | tool deploy staging "$(image 2)" --built-from "$(sha 2)" --env-file - || [ $? -eq 10 ]
    rm "$WORLD/no-start"
    settings SYSTEM_PROMPT=$canary | tool deploy staging "$(image 2)" --built-from "$(sha 2)" --env-file -
    echo $canary | tool rollback staging --registry-user me
    tool logs staging
    tool status staging
    tool history staging
    tool prune staging
  ) >"$BATS_TEST_TMPDIR/said" 2>&1 || { cat "$BATS_TEST_TMPDIR/said"; false; }
  grep 'API_KEY is <API_KEY>' "$BATS_TEST_TMPDIR/said"
  [ "$(cat "$WORLD/login")" = $canary ]
  run ! grep -F $canary "$BATS_TEST_TMPDIR/said" "$WORLD/argv"
  [ "$(grep -rlF $canary "$LLM_DEPLOY_HOME" "$TMPDIR" | sort)" = "$staging/releases/1/env
$staging/releases/3/env" ]
  [ ! -e "$(cat "$WORLD/config")" ]
}
