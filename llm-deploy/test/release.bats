#!/usr/bin/env bats
# Releases, the live one, the history, and pruning.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
}

# release N [BUILT_FROM [PROMOTED_AS]]: one that was live.
release() {
  mkdir -p "$staging/releases/$1"
  printf '%s\n' "IMAGE=$(image "$1")" "BUILT_FROM=${2:-$(sha "$1")}" "PROMOTED_AS=${3:-$(sha "$1")}" \
    >"$staging/releases/$1/release.env"
}

@test "finds releases by number and by a revision's first digits" {
  release 9 "abcdef0$(printf '%033d' 1)" "1234567$(printf '%033d' 1)"
  release 10 "abcdef1$(printf '%033d' 1)"
  release 11 "abcdef1$(printf '%033d' 2)"
  [ "$(part find_release 9)" = 9 ]
  [ "$(part find_release abcdef0)" = 9 ]
  [ "$(part find_release 1234567)" = 9 ]
  [ "$(part find_release abcdef1)" = 11 ]
  [ "$(part find_release "abcdef1$(printf '%033d' 1)")" = 10 ]
  for odd in abcdef 1 12 bcdef00 '*' '???????' 'abcdef?' '.......' '' "abcdef0$(printf '%033d' 1)0"; do
    [ -z "$(part find_release "$odd")" ] || { echo "$odd"; false; }
  done
}

@test "lists releases by number, newest first" {
  for n in 2 9 10 11; do release $n; done
  mkdir "$staging/releases/tmp" "$staging/releases/10.old"
  [ "$(part releases | tr '\n' ' ')" = "11 10 9 2 " ]
}

@test "does not roll back to a failed release" {
  for n in 1 2; do deploy $n; done
  exits 0 tool rollback staging
  for n in 3 4; do deploy $n; done
  exits 0 tool rollback staging
  [ "$(state current)" = 3 ]
  exits 0 tool rollback staging
  [ "$(state current)" = 1 ]
}

@test "rolls back to the previous release, a number, a revision" {
  for n in 1 2 3; do deploy $n; done
  exits 0 tool rollback staging
  [ "$(state current)" = 2 ]
  exits 0 tool rollback staging "$(sha 3)"
  [ "$(state current)" = 3 ]
  exits 0 tool rollback staging 1
  [ "$(state current)" = 1 ]
  exits 3 tool rollback staging
  says "no such release is kept: one before 1 (kept: 3 2 1 )"
  exits 3 tool rollback staging 1
  says "release 1 is live already"
}

@test "refuses rollback and start without a release" {
  exits 3 tool rollback staging
  exits 3 tool start staging
  exits 3 tool logs staging
  says "nothing was ever deployed to staging"
}

@test "a release has the given files, readable for its owner only" {
  deploy 1 --promoted-as "$(sha 7)" --actor 'github:me "x" $(id)'
  settings | cmp - "$staging/releases/1/env"
  run -0 sed 's/^WRITTEN_AT=.*Z$/-/; s/^ENV_HASH=.*/-/; s/^COMPOSE_HASH=[0-9a-f]*$/-/' "$staging/releases/1/release.env"
  [ "$output" = "IMAGE=$(image 1)
RELEASE=1
-
-
BUILT_FROM=$(sha 1)
PROMOTED_AS=$(sha 7)
PREVIOUS=
-
WRITTEN_BY=github:me x id" ]
  [[ $(ls -ld "$staging" "$staging/releases/1" | cut -c 2-10 | sort -u) = rwx------ ]]
  [[ $(ls -l "$staging/releases/1/env") = -rw-------* ]]
  # The proxy's user reads this.
  [[ $(ls -ld "$staging/proxy") = drwxr-xr-x* && $(ls -l "$staging/proxy/slot") = -rw-r--r--* ]]
}

@test "refuses an image of another revision" {
  live_machine 1
  for label in "$(sha 3)" unknown ""; do
    echo "$label" >"$WORLD/registry/$(digest 2)"
    rm -f "$WORLD/images/$(digest 2)"
    exits 10 deploy 2
    says "the image was built from '$label' (expected: $(sha 2))"
  done
}

@test "the history is lines of JSON" {
  deploy 1 --actor '"}{\,'
  deploy 1
  deploy 2 --promoted-as "$(sha 3)"
  tool rollback staging
  touch "$WORLD/no-start"
  run -10 deploy 4
  tool history staging >"$BATS_TEST_TMPDIR/history"
  [ "$(sed 's/.*"kind":"\([^"]*\)".*"outcome":"\([^"]*\)".*/\1 \2/' "$BATS_TEST_TMPDIR/history")" = "deploy live
deploy no_change
deploy live
rollback live
deploy rolled_back" ]
  if command -v node; then
    node -e 'for (const line of require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n")) {
      const names = Object.keys(JSON.parse(line)).join();
      if (names !== "number,at,kind,actor,outcome,seconds,built_from,promoted_as,image") throw names
    }' "$BATS_TEST_TMPDIR/history"
  fi
}

@test "prune keeps an image that another environment has just pulled" {
  # Production's prune, as staging's pull ends.
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '%s\n' '#!/bin/sh' '"$REAL" "$@" || exit' \
    '[ "$1 $2" != "pull -q" ] || "${INTERPRETER:-sh}" "$BIN" prune production' >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  sha 3 >"$WORLD/images/$(digest 3)"
  export REAL=$BATS_TEST_DIRNAME/machine/docker BIN=$bin
  PATH=$BATS_TEST_TMPDIR/bin:$PATH deploy 1
  [ "$(state current)" = 1 ] && [ ! -e "$WORLD/images/$(digest 3)" ]
}

@test "prune keeps the live, the previous, and KEEP_RELEASES more" {
  for n in 1 2 3 4 5 6 7 8 9; do release $n; sha $n >"$WORLD/images/$(digest $n)"; done
  mkdir -p "$LLM_DEPLOY_HOME/production/releases/1" "$staging/candidate"
  echo "IMAGE=$(image 1)" >"$LLM_DEPLOY_HOME/production/releases/1/release.env"
  image 3 | sed 's/^/IMAGE=/; s/@/:sha-1@/' >"$staging/candidate/release.env"
  echo PREVIOUS=4 >>"$staging/releases/5/release.env"
  part set_state current=5 slot=blue intended=up
  KEEP_RELEASES=2 run -0 tool prune staging
  [ "$(part releases | tr '\n' ' ')" = "9 8 5 4 " ]
  [ "$(find "$WORLD/images" -type f | sed 's/.*\(.\)$/\1/' | sort | tr '\n' ' ')" = "1 3 4 5 8 9 " ]
  for n in 2 6 7; do says "  removing image $(image $n)"; done
  for n in 1 2 3 6 7; do says "  removing release $n"; done
}
