# shellcheck shell=dash
# How an environment stands, and where reality is not what the state says (drift).

status() {
  local current slot found
  current=$(state current)
  slot=$(state slot)
  say "$environment (port $port)"
  if [ -z "$current" ]; then
    say "  nothing was deployed yet"
    return
  fi
  say "  intended     $(state intended)"
  say "  release      $current, since $(of_release "$current" WRITTEN_AT), by $(of_release "$current" WRITTEN_BY)"
  say "  previous     $(before "$current")"
  say "  built_from   $(of_release "$current" BUILT_FROM)"
  say "  promoted_as  $(of_release "$current" PROMOTED_AS)"
  say "  image        $(of_release "$current" IMAGE)"
  say "  slot         $slot"
  say "  health       $(ask_port 2>/dev/null || echo 'no answer')"
  say "  lock         $(lock_line | grep . || echo free)"
  found=$(drift "$current" "$slot")
  [ -z "$found" ] || { say "$found" | sed 's/^/  DRIFT        /'; return 1; }
}

# drift RELEASE SLOT: one line for each thing that is not as it should be; nothing if all is.
drift() {
  local name
  name=$(container "$2")
  has_image "$(of_release "$1" IMAGE)" || echo "the image is gone from this machine"
  [ "$(sha256 <"$(release_folder "$1")/env")" = "$(of_release "$1" ENV_HASH)" ] || echo "releases/$1/env was edited by hand"
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
  is_gone "$(container "$(other_slot "$2")")" || echo "$(container "$(other_slot "$2")") is left over"
  [ "$(label_of "$(container proxy)" config-hash)" = "$(proxy_hash)" ] ||
    echo "the proxy runs with another configuration (cure: llm-deploy restart-proxy $environment)"
}
