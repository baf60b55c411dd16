#!/usr/bin/env bats
# The list of verbs.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086 # as in the others
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

# The lines of the list, without its head.
lines_of_list() { part eval 'printf "%s\n" "$VERBS"' | awk 'NF && $1 != "verb"'; }

verbs() { lines_of_list | awk '{ print $1 }'; }

@test "each verb has its help, and is in the list of all" {
  tool --help >"$BATS_TEST_TMPDIR/all"
  count=0
  for verb in $(verbs); do
    count=$((count + 1))
    run -0 tool $verb --help
    [[ ${lines[0]} = "llm-deploy "* && $output = *"llm-deploy $verb "* ]] || { echo "no help: $verb"; false; }
    grep -qE "^  ([a-z-]+, )*${verb}[ ,]" "$BATS_TEST_TMPDIR/all" || { echo "not in the list: $verb"; false; }
  done
  [ $count -ge 15 ]
}

@test "each option of a verb is in its help" {
  lines_of_list >"$BATS_TEST_TMPDIR/list"
  while read -r verb _ _ takes; do
    run -0 tool $verb --help
    for each in $takes; do says "${each%=}"; done
  done <"$BATS_TEST_TMPDIR/list"
}

@test "each verb is carried out" {
  for verb in $(verbs) nothing; do
    run part eval 'word= built_from= promoted_as= env_file= reason= json= write= registry_user=
      run_verb '$verb </dev/null
    if [ $verb = nothing ]; then says "no such verb"; else [[ $output != *"no such verb"* ]]; fi
  done
}

@test "the pipeline's key has these verbs, and no other" {
  [ "$(part verbs_of pipeline)" = "preflight plan deploy rollback status history unlock" ]
  [ "$(part verbs_of operator)" = "logs stop start reconcile recover lock prune restart-proxy" ]
}
