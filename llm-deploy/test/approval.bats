#!/usr/bin/env bats
# A release can't ask for more than was approved on this machine.
# shellcheck disable=SC2013,SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  live_machine 1
  : >"$WORLD/argv"
}

# refused_untouched N: with the message in $output; Compose was not called, so it has read nothing.
refused_untouched() {
  exits 3 deploy "$1"
  says "llm-deploy: nothing was changed"
  local said=$output
  run ! grep -e /candidate/ -e '^docker stop' <(grep -v '^docker cp' "$WORLD/argv")
  [ "$(state current) $(state slot)" = "1 blue" ] && [ ! -e "$staging/candidate" ] && [ ! -e "$staging/releases/2" ]
  exits 0 tool status staging
  output=$said
}

# hash_of_refused N: the hash that the refusal says to approve.
hash_of_refused() { run -3 deploy "$1"; sed -n 's/.*llm-deploy approve \([0-9a-f]*\)$/\1/p' <<<"$output"; }

@test "refuses compose files that differ from the tool's by a byte" {
  for each in server.yaml linux.yaml staging.env production.env; do
    cp -R "$root/compose/." "$COMPOSE"
    printf '\n' >>"$COMPOSE/$each"
    refused_untouched 2
    says "the compose files of the image are not approved on this machine. What differs from the tool's own:"
    says "$each"
  done
  cp -R "$root/compose/." "$COMPOSE"
  exits 0 deploy 2
}

@test "shows the difference, without control characters or GitHub commands" {
  printf '    volumes: ["/:/host"]\n  ::error::\033[2Jgotcha ##[error]\r\n' >>"$COMPOSE/server.yaml"
  refused_untouched 2
  says '| +    volumes: ["/:/host"]'
  says '| +  ::error::[2Jgotcha # #[error]'
  [[ $output != *$'\033'* && $output != *$'\r'* ]]
  run ! grep '^ *::' <<<"$output"
}

@test "refuses extra files, missing files and links" {
  echo x >"$COMPOSE/compose.override.yaml"
  refused_untouched 2
  says "the compose files of the image are not linux.yaml production.env server.yaml staging.env," \
    "each a regular file, but:"
  says "compose.override.yaml"
  rm "$COMPOSE/compose.override.yaml" "$COMPOSE/linux.yaml"
  refused_untouched 2
  echo "${canary}" >"$BATS_TEST_TMPDIR/outside"
  for target in "$BATS_TEST_TMPDIR/outside" "$root/compose/linux.yaml" /dev/zero; do
    ln -sf "$target" "$COMPOSE/linux.yaml"
    refused_untouched 2
    says "each a regular file, but:"
    [[ $output != *"$canary"* ]]
  done
  rm "$COMPOSE/linux.yaml"
  mkdir "$COMPOSE/linux.yaml"
  refused_untouched 2
}

@test "ignores other files in the checkout and beside a kept release" {
  touch "$root/compose/.DS_Store" "$root/compose/server.yaml~" "$staging/releases/1/compose/.DS_Store"
  exits 0 deploy 2
  exits 0 tool rollback staging
  exits 0 tool status staging
}

@test "deploys files approved by their hash, and no others" {
  echo '# more memory' >>"$COMPOSE/server.yaml"
  hash=$(hash_of_refused 2)
  exits 0 tool approve "$hash"
  says "approved: $hash"
  exits 0 tool approve "$hash"
  says "approved already"
  [ "$(wc -l <"$LLM_DEPLOY_HOME/approved")" -eq 1 ]
  [[ $(ls -l "$LLM_DEPLOY_HOME/approved") = -rw-------* ]]
  exits 0 deploy 2
  echo '# and more' >>"$COMPOSE/server.yaml"
  exits 3 deploy 3
}

@test "an update of the tool approves its compose files" {
  echo '# of the next version' >>"$COMPOSE/server.yaml"
  refused_untouched 2
  cp "$COMPOSE/server.yaml" "$root/compose/server.yaml"
  exits 0 deploy 2
  # A release approved at its deploy can be rolled back to.
  exits 0 tool rollback staging
  grep -x 'COMPOSE_HASH=[0-9a-f]*' "$staging/releases/1/release.env"
}

@test "refuses a rollback to edited compose files" {
  deploy 2
  echo '# by hand' >>"$staging/releases/1/compose/server.yaml"
  exits 3 tool rollback staging
  says "the compose files of release 1 are not approved on this machine"
  [ "$(state current)" -eq 2 ]
  echo '# by hand' >>"$staging/releases/2/compose/server.yaml"
  exits 1 tool status staging
  says "DRIFT        releases/2/compose was edited by hand"
}

@test "checks an older release at its rollback" {
  deploy 2
  sed '/^COMPOSE_HASH=/d' "$staging/releases/1/release.env" >"$BATS_TEST_TMPDIR/release.env"
  cp "$BATS_TEST_TMPDIR/release.env" "$staging/releases/1/release.env"
  exits 0 tool rollback staging
  exits 0 tool rollback staging 2
  echo '# the next version' >>"$root/compose/server.yaml"
  exits 3 tool rollback staging 1
  exits 0 tool status staging
}

@test "the pipeline's keys can't approve" {
  SSH_ORIGINAL_COMMAND="approve $(digest 1)"
  export SSH_ORIGINAL_COMMAND
  exits 2 tool ssh-entry staging
  says "this key may not do 'approve'"
  exits 2 tool approve "$(digest 1)" "$(digest 2)"
  for word in "" x "$(digest 1)0" "$(digest 1 | tr 0 A)" "$(digest 1)
$(digest 2)" '.*'; do
    exits 2 tool approve "$word"
    says "expected: the 64 hex digits that the refused deploy printed"
  done
  [ ! -e "$LLM_DEPLOY_HOME/approved" ]
}

@test "refuses settings that the manifest does not have" {
  for line in JAVA_TOOL_OPTIONS=-javaagent:x JDK_JAVA_OPTIONS=x MANAGEMENT_SERVER_ADDRESS=0.0.0.0 \
    SPRING_APPLICATION_JSON={} LD_PRELOAD=x PATH=/x APP_REVISION=unknown TRUSTED_PROXIES=0.0.0.0/0 \
    SIMULATOR_TOKENS_PER_SECOND=1 X= _=1; do
    for verb in plan deploy; do
      exits 2 tool $verb staging "$(image 2)" --built-from "$(sha 2)" --env-file - < <(settings "$line")
      says "setting ${line%%=*}: not defined for staging in "
    done
  done
  exits 2 tool deploy staging "$(image 2)" --built-from "$(sha 2)" --env-file - < <(settings NUM_CTX=4096 NUM_CTX=8192)
  says "setting NUM_CTX: given twice"
  [ "$(state current) $(state last)" = "1 1" ]
}

@test "refuses every setting without a manifest" {
  for lose in ': >' 'rm -f '; do
    eval "$lose\"\$root/env/manifest.csv\""
    exits 2 tool deploy staging "$(image 2)" --built-from "$(sha 2)" --env-file - \
      < <(settings JAVA_TOOL_OPTIONS=-javaagent:x)
    says ": not defined for staging in "
  done
}

@test "accepts every setting of the manifest" {
  for name in $(part known_settings staging); do
    case $name in APP_ENV) ;; *) export "SETTING_$name=x" ;; esac
  done
  "$root/bin/render-env" staging - >"$BATS_TEST_TMPDIR/settings"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/settings")" -gt 30 ]
  exits 0 tool deploy staging "$(image 2)" --built-from "$(sha 2)" --env-file "$BATS_TEST_TMPDIR/settings"
  # The same as render-env.
  for env in local staging production; do
    for name in $(sed -n 's/^\([A-Z][A-Z0-9_]*\) .*/\1/p' "$root/env/manifest.csv"); do
      [ $name != APP_ENV ] || continue
      if part known_settings $env | grep -x $name >/dev/null; then known=yes; else known=no; fi
      if env -i PATH="$PATH" "SETTING_$name=x" "$root/bin/render-env" $env - 2>&1 |
        grep "SETTING_$name: set (expected: nothing" >/dev/null; then taken=no; else taken=yes; fi
      [ $known = $taken ] || { echo "$env $name: known $known, taken $taken"; false; }
    done
  done
}
