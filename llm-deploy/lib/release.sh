# shellcheck shell=dash
# A release: everything needed to run one version. Immutable once written.
#
#   releases/N/release.env   variables of the compose files: IMAGE, RELEASE, ENV_HASH; and COMPOSE_HASH, BUILT_FROM,
#                            PROMOTED_AS, PREVIOUS, WRITTEN_AT, WRITTEN_BY
#   releases/N/env           the server's settings, mode 0600
#   releases/N/compose/      the compose files that came with the image, approved on this machine (approve.sh)
#
# A release that is not live yet is in candidate/: all in releases/ have served requests, so rollback can use any.

release_folder() {
  if [ -d "$folder/releases/$1" ]; then
    printf '%s\n' "$folder/releases/$1"
  else
    printf '%s\n' "$folder/candidate"
  fi
}

# of_release NUMBER NAME
of_release() { value_of "$2" "$(release_folder "$1")/release.env"; }

# Newest first.
releases() { ls "$folder/releases" 2>/dev/null | grep -x '[0-9][0-9]*' | sort -rn; }

# previous_of NUMBER: the release that it replaced, the default target of a rollback from it.
previous_of() {
  local number
  number=$(of_release "$1" PREVIOUS)
  [ -z "$number" ] || [ ! -d "$folder/releases/$number" ] || echo "$number"
}

# find_release WHAT: by number, or by at least the first 7 digits of one of its commits.
find_release() {
  local number
  for number in $(releases); do
    if [ "$1" = "$number" ]; then echo "$number"; return; fi
    case $1 in ???????*)
      case $(of_release "$number" BUILT_FROM) in "$1"*) echo "$number"; return ;; esac
      case $(of_release "$number" PROMOTED_AS) in "$1"*) echo "$number"; return ;; esac
    esac
  done
}

next_number() {
  echo $(($(highest_number) + 1))
}

# highest_number: from all sources, so that no number is reused.
highest_number() {
  {
    echo 0
    state last
    releases
    sed -n 's/^{"number":\([0-9][0-9]*\),.*/\1/p' "$folder/history" 2>/dev/null || :
  } | sort -n | tail -n 1
}

# begin_candidate IMAGE BUILT_FROM PROMOTED_AS: records the image before the pull, so that another environment's prune
# keeps it.
begin_candidate() {
  mkdir "$folder/candidate" &&
    printf '%s\n' "IMAGE=$1" "BUILT_FROM=$2" "PROMOTED_AS=$3" >"$folder/candidate/release.env"
}

# candidate NAME
candidate() { value_of "$1" "$folder/candidate/release.env"; }

# copy_compose_files: from the image; refuses them unless approved.
copy_compose_files() {
  copy_from_image "$(candidate IMAGE)" /app/compose "$folder/candidate/compose" || return 1
  check_approved "the image" "$folder/candidate/compose" || { drop_candidate; refuse "nothing was changed"; }
}

# write_candidate NUMBER: completes the candidate, with the given settings.
write_candidate() {
  local new=$folder/candidate
  cp "$(given_settings)" "$new/env" &&
    chmod 600 "$new/env" &&
    printf '%s\n' "IMAGE=$(candidate IMAGE)" "RELEASE=$1" "ENV_HASH=$(sha256 <"$new/env")" \
      "COMPOSE_HASH=$(compose_hash "$new/compose")" "BUILT_FROM=$(candidate BUILT_FROM)" \
      "PROMOTED_AS=$(candidate PROMOTED_AS)" "PREVIOUS=$(state current)" "WRITTEN_AT=$(now)" "WRITTEN_BY=$actor" \
      >"$new/release.new" &&
    mv "$new/release.new" "$new/release.env" # never without its IMAGE
}

keep_candidate() { [ -d "$folder/releases/$1" ] || mv "$folder/candidate" "$folder/releases/$1"; }

drop_candidate() { rm -rf "$folder/candidate"; }

# Names of settings, never values: + new, - gone, ~ changed.
setting_changes() {
  awk '
    function name(line) { return substr(line, 1, index(line, "=") - 1) }
    /^[A-Z_][A-Z0-9_]*=/ {
      if (FILENAME == ARGV[1]) { before[name($0)] = $0; next }
      after[name($0)] = 1
      if (!(name($0) in before)) print "+ " name($0)
      else if (before[name($0)] != $0) print "~ " name($0)
    }
    END { for (key in before) if (!(key in after)) print "- " key }
  ' "$1" "$2" | sort
}

# warn_of_client_header SETTINGS SERVER_FILE: warns if neither these nor the live release's settings set
# CLIENT_ID_HEADER, and the two servers have different defaults.
warn_of_client_header() {
  local current live before after
  current=$(state current)
  live=$(settings_of "$current")
  [ -n "$current" ] && [ -z "$(value_of CLIENT_ID_HEADER "$1")$(value_of CLIENT_ID_HEADER "$live")" ] || return 0
  before=$(default_client_header "$(release_folder "$current")/compose/server.yaml")
  after=$(default_client_header "$2")
  [ "$before" = "$after" ] ||
    warn "clients are identified by $after, no longer by $before: CLIENT_ID_HEADER is not set" \
      "(see docs/operations.md, step 9)"
}

# default_client_header SERVER_FILE: the default of its image. Images without the label have X-Client-Id.
default_client_header() {
  local header
  header=$(sed -n 's/^ *dev\.localllm\.client-id-header: *//p' "$1" 2>/dev/null) || :
  printf '%s\n' "${header:-X-Client-Id}"
}
