#!/usr/bin/env bats
# The forced command of the pipeline's keys.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  cd "$BATS_TEST_TMPDIR"
}

over_ssh() { SSH_ORIGINAL_COMMAND=$1 tool ssh-entry staging; }

deploy_over_ssh() { settings | over_ssh "deploy staging $(image "$1") --built-from $(sha "$1") --env-file -"; }

@test "deploys, shows status, rolls back" {
  deploy_over_ssh 1
  deploy_over_ssh 2
  over_ssh "rollback staging 1"
  [ "$(state current)" = 1 ]
  [ "$(over_ssh 'history staging' | wc -l)" -eq 3 ]
  over_ssh 'status staging'
}

@test "refuses the other verbs" {
  for words in "" "stop staging" "start staging" "logs staging" "lock staging" "prune staging" "restart-proxy staging" \
    "reconcile staging" "recover staging" "approve $(digest 1)" reconcile install-agent remove-agent ssh-entry \
    "sh -c id" "--help" "-c id" "./deploy staging" "$(printf 'stop\tstaging')"; do
    exits 2 over_ssh "$words"
    says "this key may not do"
  done
  exits 2 tool ssh-entry stop staging
  nothing_was_touched
}

@test "refuses the other environment" {
  settings | sed 's/staging/production/' >input
  exits 2 over_ssh "deploy production $(image 1) --built-from $(sha 1) --env-file -" <input
  says "this key may not act on 'production' (it may: staging)"
  for verb in preflight rollback status history unlock; do
    exits 2 over_ssh "$verb production"
    exits 2 over_ssh "$verb"
  done
  SSH_ORIGINAL_COMMAND="status staging" exits 2 tool ssh-entry
  SSH_ORIGINAL_COMMAND="plan production $(image 1) --built-from $(sha 1) --env-file -" \
    exits 0 tool ssh-entry production <input
}

@test "runs no injected command" {
  for words in 'status $(touch owned) staging' 'status `touch owned`' 'status staging;touch owned' \
    'status staging|touch owned' 'status staging&touch owned' 'status staging>owned' 'status staging
touch owned' "status 'staging'" 'status "staging"' 'status stag*' 'status \staging' 'status ${HOME}' 'status ~' \
    'status {a,b}' "$(printf 'status \001')" 'status stäging' 'history staging #' 'history !!'; do
    touch staging-file
    exits 2 over_ssh "$words"
    # A line break counts as a blank.
    [[ $words = *$'\n'* ]] || says "this key may not use"
    [ ! -e owned ]
  done
  nothing_was_touched
}

@test "expands no file names" {
  touch staging
  exits 2 over_ssh 'status *'
  says "this key may not use ''"
}

@test "accepts no file name" {
  settings >file
  exits 2 over_ssh "deploy staging $(image 1) --built-from $(sha 1) --env-file $PWD/file"
  exits 2 over_ssh "deploy staging $(image 1) --built-from $(sha 1) --env-file file --registry-user me" </dev/null
  says "this key may not name a file"
  nothing_was_touched
}

@test "hashes and prunes as without ssh" {
  deploy_over_ssh 1
  deploy_over_ssh 2
  [ "$(cat "$WORLD/containers/llm-staging-proxy/config-hash")" = "$(part proxy_hash)" ]
  [ -e "$WORLD/images/$(digest 1)" ]
}

@test "keeps a manual lock" {
  tool lock staging
  exits 3 over_ssh "unlock staging"
  says "was locked by hand"
  [ -s "$(newest_lock)" ]
  tool unlock staging
  over_ssh "unlock staging"
}
