# shellcheck shell=bash
# Sourced by the tests beside it: counts passed and failed checks.
passed=0
failed=0

ok() {
  passed=$((passed + 1))
  echo "ok: $1"
}

not_ok() {
  failed=$((failed + 1))
  echo "NOT OK: $1"
}

# check SENTENCE COMMAND...: passes if COMMAND succeeds.
check() {
  local sentence=$1
  shift
  if "$@"; then ok "$sentence"; else not_ok "$sentence"; fi
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# A copy of what git tracks, as it stands in the working tree.
copy_tree() {
  mkdir -p "$1"
  git ls-files -z | xargs -0 cp --parents -t "$1"
}
