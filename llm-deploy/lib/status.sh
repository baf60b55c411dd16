# shellcheck shell=dash
# The status of an environment: whether clients get answers, and where the machine differs from the recorded state
# (drift).

# status JSON: as text or, if JSON is not empty, as one line of JSON.
status() {
  local current slot fault answer='' revision='' answered='' found='' code=0
  fault=$(state_fault)
  [ -n "$1" ] || require_state
  current=$(state current)
  slot=$(state slot)
  if [ -n "$fault" ]; then
    current='' slot='' code=$REFUSED
  elif [ -n "$current" ]; then
    answer=$(printable "$(ask_port 2>/dev/null)")
    revision=$(json_text revision "$answer")
    [ "$revision" != "$(of_release "$current" BUILT_FROM)" ] && ! is_next "$revision" || answered=yes
    found=$(drift "$current" "$slot")
    [ -z "$found" ] || code=$DRIFT
    [ -n "$answered" ] || [ "$(state intended)" = down ] || code=$NO_ANSWER
  fi
  if [ -n "$1" ]; then print_json; else print_words; fi
  return $code
}

# is_next REVISION: a running deploy has switched the port to it, and is checking it.
is_next() { [ -n "$1" ] && is_locked && [ "$1" = "$(value_of BUILT_FROM "$folder/candidate/release.env")" ]; }

# print_words: from $current, $slot, $answer, $found and $code of status.
print_words() {
  say "$environment (port $port)"
  if [ -z "$current" ]; then
    say "  nothing was deployed yet"
    return
  fi
  say "  intended     $(state intended)"
  say "  release      $current, since $(of_release "$current" WRITTEN_AT), by $(of_release "$current" WRITTEN_BY)"
  say "  previous     $(previous_of "$current")"
  say "  built_from   $(of_release "$current" BUILT_FROM)"
  say "  promoted_as  $(of_release "$current" PROMOTED_AS)"
  say "  image        $(of_release "$current" IMAGE)"
  say "  slot         $slot"
  say "  health       ${answer:-no answer}"
  say "  lock         $(lock_line | grep . || echo free)"
  [ -z "$found" ] || say "$found" | sed 's/^/  DRIFT        /'
  [ $code -ne $NO_ANSWER ] ||
    say "  NO ANSWER    /health on port $port does not say revision $(of_release "$current" BUILT_FROM)"
}

# print_json: from $current, $slot, $fault, $revision, $answered, $found and $code of status. The names are stable
# (usage.sh).
print_json() {
  local owner
  owner=$(newest_lock)
  say "{$({
    field environment "$environment"
    raw_field port "$port"
    field fault "$fault"
    field intended "$(of_current && state intended)"
    raw_field release "$current"
    raw_field previous "$(of_current && previous_of "$current")"
    field since "$(of_current WRITTEN_AT)"
    field by "$(of_current WRITTEN_BY)"
    field built_from "$(of_current BUILT_FROM)"
    field promoted_as "$(of_current PROMOTED_AS)"
    field image "$(of_current IMAGE)"
    field slot "$slot"
    raw_field answered "$(if [ -n "$answered" ]; then echo true; else echo false; fi)"
    field revision "$revision"
    raw_field lock "$(! is_locked || printf '{"reason":%s,"by":%s,"since":%s}' \
      "$(json_string "$(value_of reason "$owner")")" \
      "$(json_string "$(value_of actor "$owner")")" \
      "$(json_string "$(value_of at "$owner")")")"
    raw_field drift "[$([ -z "$found" ] ||
      printf '%s\n' "$found" | while read -r line; do json_string "$line"; echo; done | paste -s -d , -)]"
    raw_field exit_code $code
  } | paste -s -d , -)}"
}

field() { printf '"%s":%s\n' "$1" "$(json_string "$2")"; }

raw_field() { printf '"%s":%s\n' "$1" "${2:-null}"; }

# of_current [NAME]: of $current, the live release; fails if there is none.
of_current() { [ -n "$current" ] && { [ $# -eq 0 ] || of_release "$current" "$1"; }; }

# json_string TEXT: null if it is empty.
json_string() {
  if [ -n "$1" ]; then
    printf '"%s"' "$(printf '%s' "$1" | tr -d '\001-\037' | sed 's/[\\"]/\\&/g')"
  else
    printf null
  fi
}

# watch_status ARGUMENTS...: repeats status until interrupted.
watch_status() {
  local said each
  for each; do
    shift
    [ "$each" = --watch ] || set -- "$@" "$each"
  done
  while true; do
    said=$("$root/bin/llm-deploy" status "$@" 2>&1) || [ $? -ne 2 ] || misuse "$said"
    [ ! -t 1 ] || printf '\033[H\033[2J%s\n' "$(now)"
    printf '%s\n' "$said" 2>/dev/null || return 0 # the reader is gone
    sleep 2
  done
}

# drift RELEASE SLOT: one line for each difference from the recorded state.
drift() {
  local name hash
  name=$(container "$2")
  has_image "$(of_release "$1" IMAGE)" || echo "the image is gone from this machine"
  [ "$(sha256 <"$(release_folder "$1")/env")" = "$(of_release "$1" ENV_HASH)" ] ||
    echo "releases/$1/env was edited by hand"
  hash=$(of_release "$1" COMPOSE_HASH)
  [ -z "$hash" ] || [ "$(compose_hash "$(release_folder "$1")/compose")" = "$hash" ] ||
    echo "releases/$1/compose was edited by hand"
  if [ "$(state intended)" = down ]; then
    ! is_running "$name" || echo "$name runs, but was stopped on purpose"
    return 0
  fi
  is_running "$name" || { echo "$name does not run"; return 0; }
  is_running "$(container proxy)" || echo "the proxy does not run"
  [ "$(label_of "$name" release)" = "$1" ] && [ "$(label_of "$name" env-hash)" = "$(of_release "$1" ENV_HASH)" ] ||
    echo "$name is not the container of release $1"
  [ "$(docker container inspect -f '{{.Config.Image}}' "$name")" = "$(of_release "$1" IMAGE)" ] ||
    echo "$name runs another image"
  ! is_unhealthy "$name" || echo "Docker calls $name unhealthy"
  is_gone "$(container "$(other_slot "$2")")" || echo "$(container "$(other_slot "$2")") is left over"
  [ "$(label_of "$(container proxy)" config-hash)" = "$(proxy_hash)" ] ||
    echo "the proxy runs with another configuration (fix: llm-deploy restart-proxy $environment)"
}
