# shellcheck shell=dash
# Compose files decide what containers may do on this machine, and Compose acts on some features while it reads them.
# They come with the image, so from anyone who can push. Compose therefore reads only approved ones: the tool's own, or
# those listed in $LLM_DEPLOY_HOME/approved, lines SHA256 WHEN BY. No key of the pipeline can add to that list.

COMPOSE_FILES="linux.yaml production.env server.yaml staging.env"

# compose_hash FOLDER: the hash of its compose files. Fails if one is missing or not a regular file.
compose_hash() {
  local each
  [ ! -L "$1" ] || return 1
  for each in $COMPOSE_FILES; do [ -f "$1/$each" ] && [ ! -L "$1/$each" ] || return 1; done
  # shellcheck disable=SC2086 # words
  (cd "$1" && sha256_sums $COMPOSE_FILES) | sha256
}

# is_approved HASH
is_approved() {
  [ "$1" = "$(compose_hash "$root/compose")" ] || grep "^$1 " "$LLM_DEPLOY_HOME/approved" >/dev/null 2>&1
}

# check_approved WHOSE FOLDER: whether its compose files are approved. If not, fails, and prints the difference and
# the fix.
check_approved() {
  local hash
  hash=$(compose_hash "$2") && [ "$(ls -A "$2" | tr '\n' ' ')" = "$COMPOSE_FILES " ] || {
    say "the compose files of $1 are not $COMPOSE_FILES, each a regular file, but:"
    # shellcheck disable=SC2012 # for people
    ls -lA "$2" | quoted
    say "they can't be approved"
    return 1
  }
  ! is_approved "$hash" || return 0
  say "the compose files of $1 are not approved on this machine. What differs from the tool's own:"
  for each in $COMPOSE_FILES; do diff -u "$root/compose/$each" "$2/$each" || :; done | quoted
  say "to approve them, on this machine: update the tool (git -C $root pull --ff-only), or llm-deploy approve $hash"
  return 1
}

# check_kept_compose_files RELEASE: refuses if they have changed since their approval, unless approved now.
check_kept_compose_files() {
  local files hash
  files=$(release_folder "$1")/compose
  hash=$(of_release "$1" COMPOSE_HASH)
  [ -n "$hash" ] && [ "$(compose_hash "$files")" = "$hash" ] ||
    check_approved "release $1" "$files" ||
    refuse "nothing was changed"
}

approve() {
  local hash
  [ $# -le 1 ] || misuse "unexpected argument: $2"
  hash=$(one_line "${1:-}" | grep -xE '[0-9a-f]{64}') ||
    misuse "approve: '$(plain "${1:-}")' (expected: the 64 hex digits that the refused deploy printed)"
  if is_approved "$hash"; then
    say "$hash is approved already"
    return
  fi
  mkdir -p "$LLM_DEPLOY_HOME" && printf '%s %s %s\n' "$hash" "$(now)" "$actor" >>"$LLM_DEPLOY_HOME/approved" ||
    refuse "$LLM_DEPLOY_HOME/approved can't be written"
  say "approved: $hash"
}
