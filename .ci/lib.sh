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

# prometheus_tools: the folder with Debian's prometheus and promtool, unpacked there once. Not installed, as that would
# start it.
prometheus_tools() {
  local kept=${BASE_IMAGES_CACHE:-/var/cache/llm-base-images}/prometheus new
  if [ ! -x "$kept/usr/bin/promtool" ]; then
    mkdir -p "${kept%/*}"
    new=$(mktemp -d "$kept.XXXXXX")
    (
      cd "$new" || exit
      apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }
      dpkg -x prometheus_*.deb .
      rm prometheus_*.deb
    ) >&2
    mv "$new" "$kept"
  fi
  echo "$kept/usr/bin"
}

# A copy of what git tracks, as it stands in the working tree.
copy_tree() {
  mkdir -p "$1"
  git ls-files -z | xargs -0 cp --parents -t "$1"
}
