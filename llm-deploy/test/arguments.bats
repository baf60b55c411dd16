#!/usr/bin/env bats
# The tool's arguments and input, and what it refuses before it changes anything.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  sha=$(sha 1)
}

# refuses SENTENCE ARGUMENTS...
refuses() {
  local sentence=$1
  shift
  settings >"$BATS_TEST_TMPDIR/settings"
  exits 2 tool "$@" <"$BATS_TEST_TMPDIR/settings"
  says "$sentence"
  nothing_was_touched
  [ ! -e "$BATS_TEST_TMPDIR/owned" ]
}

@test "every verb has help" {
  exits 0 tool
  help=$output
  for verb in preflight plan deploy rollback status history logs stop start reconcile lock unlock prune restart-proxy \
    recover approve install-agent remove-agent ssh-entry; do
    [[ $help = *"$verb"* ]]
    exits 0 tool $verb --help
    says "llm-deploy $verb"
  done
  [ ! -e "$LLM_DEPLOY_HOME" ]
}

@test "refuses unknown verbs and environments" {
  refuses "no such verb: install" install
  refuses "environment: '' (expected: staging or production)" deploy
  for name in prod ../staging 'staging production' "staging
" 'st*' local; do
    refuses "environment: '$name'" stop "$name"
  done
}

@test "refuses images without a digest" {
  for name in "" registry.test/server registry.test/server:latest "$(image 1)0" "$(image 1 | tr 0 A)" "-$(image 1)" \
    "registry.test/server@sha256:12345" "UPPER@sha256:$(digest 1)" "a b@sha256:$(digest 1)" \
    '$(touch owned)@sha256:'"$(digest 1)" "x;y@sha256:$(digest 1)" "$(image 1)
$(image 2)" "$(image 1)
remove blue"; do
    case $name in -*) sentence="no such option" ;; *) sentence="image: '" ;; esac
    refuses "$sentence" deploy staging "$name" --built-from "$sha" --env-file -
  done
}

@test "refuses images of another name than IMAGE_REPOSITORY" {
  mkdir -p "$LLM_DEPLOY_HOME"
  echo IMAGE_REPOSITORY=registry.test/server >"$LLM_DEPLOY_HOME/settings"
  for name in evil.test/server registry.test/server/more registry.test/serverless registry.testing/server server; do
    refuses "(expected: one of IMAGE_REPOSITORY, registry.test/server)" \
      deploy staging "$name@sha256:$(digest 1)" --built-from "$sha" --env-file -
  done
  deploy 1
  settings |
    tool deploy staging "registry.test/server:sha-$(sha 2)@sha256:$(digest 2)" --built-from "$(sha 2)" --env-file -
}

@test "refuses invalid revisions" {
  for name in "" unknown HEAD "${sha}0" "${sha#0}" "${sha%1}A" "$sha
$sha" "$sha
junk" '`touch owned`'; do
    refuses "--built-from: '" deploy staging "$(image 1)" --built-from "$name" --env-file -
    refuses "--promoted-as: '" deploy staging "$(image 1)" --built-from "$sha" --promoted-as "$name" --env-file -
  done
}

@test "refuses missing, extra and unknown arguments" {
  refuses "--built-from is missing" deploy staging "$(image 1)" --env-file -
  refuses "--env-file is missing" deploy staging "$(image 1)" --built-from "$sha"
  refuses "--env-file: no value" deploy staging "$(image 1)" --built-from "$sha" --env-file
  refuses "no such option: --force" deploy staging "$(image 1)" --force
  refuses "unexpected argument: again" deploy staging "$(image 1)" again
  refuses "unexpected argument: now" stop staging now
  refuses "no such option: --built-from (see llm-deploy rollback --help)" rollback staging --built-from "$sha"
  refuses "no such option: --write (see llm-deploy stop --help)" stop staging --write
  refuses "no such option: --actor= (see llm-deploy deploy --help)" deploy staging "$(image 1)" --actor=
  refuses "no such option: --reason= --env-file (see " deploy staging "$(image 1)" '--reason= --env-file' -
  refuses "no such option: -f" logs staging -f
  refuses "lines: '1x'" logs staging 1x
}

@test "refuses files that can't be read" {
  for file in "$BATS_TEST_TMPDIR/nowhere" "$BATS_TEST_TMPDIR" ""; do
    exits 2 tool deploy staging "$(image 1)" --built-from "$sha" --env-file "$file"
  done
}

@test "reads settings from a file, but not the token" {
  settings >"$BATS_TEST_TMPDIR/-odd name"
  cd "$BATS_TEST_TMPDIR"
  echo token | tool deploy staging "$(image 1)" --built-from "$sha" --env-file "-odd name" --registry-user me
  cmp "$staging/releases/1/env" ./"-odd name"
  [ "$(cat "$WORLD/login")" = token ]
}

@test "refuses invalid settings of the tool" {
  for name in DRAIN_TIMEOUT KEEP_RELEASES LOCK_WAIT; do
    for value in x -1 1.5 08 9999999999 '$(touch owned)' '1 2'; do
      export "$name=$value"
      refuses "$name: '$value' (expected: a whole number)" stop staging
    done
    unset "$name"
  done
  mkdir -p "$LLM_DEPLOY_HOME"
  echo DEPLOY_STRATEGY=yolo >"$LLM_DEPLOY_HOME/settings"
  refuses "DEPLOY_STRATEGY: 'yolo'" deploy staging "$(image 1)" --built-from "$sha" --env-file -
}

@test "refuses incomplete settings, and another environment's" {
  for text in "" "# end " "APP_ENV=staging" "APP_ENV=staging
# en" "APP_ENV=production
# end" "MODEL_NAME=x
# end" "APP_ENV=staging
junk $canary
# end" "$canary
APP_ENV=staging
# end" "APP_ENV=staging
lower=$canary
# end" "APP_ENV=staging
 KEEP_ALIVE=$canary
# end" "APP_ENV=staging
KEEP_ALIVE=1
# end
IDLE_TIMEOUT=2"; do
    exits 2 tool deploy staging "$(image 1)" --built-from "$sha" --env-file - <<<"$text"
    nothing_was_touched
    [[ $output != *"$canary"* ]]
  done
}

@test "reads the first line as token only with a user" {
  { echo token; settings; } | tool deploy staging "$(image 1)" --built-from "$sha" --env-file - --registry-user me
  [ "$(cat "$WORLD/login")" = token ]
  settings | cmp - "$staging/releases/1/env"
  deploy 2
  rm "$WORLD/images/$(digest 1)" "$WORLD/login"
  echo again | tool rollback staging --registry-user me
  [ "$(cat "$WORLD/login")" = again ]
  [ "$(state current)" = 1 ]
}

@test "old engines are refused" {
  echo 24.0.9 >"$WORLD/engine-version"
  exits 3 deploy 1
  says "update it to 25 or newer"
  nothing_was_touched
}
