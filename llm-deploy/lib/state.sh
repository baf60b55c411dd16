# shellcheck shell=dash
# The recorded state of an environment, in the file state. It is replaced atomically: after a kill, or on a full disk,
# it is the old or the new one. Without a valid state verbs are refused, since numbers and slots would be guesses.
#
#   current    number of the live release; nothing if none was ever live
#   slot       blue or green: where it runs
#   intended   up or down
#   last       highest number that was ever given to a release

# state NAME
state() { value_of "$1" "$folder/state"; }

# set_state NAME=VALUE...: all or none.
set_state() {
  local pair new
  new=$({
    for pair; do printf '%s\n' "$pair"; done
    [ ! -f "$folder/state" ] || cat "$folder/state"
  } | awk -F = '!($1 in value) { value[$1] = $2 }
    END {
      printf "current=%s\nslot=%s\n", value["current"], value["slot"]
      printf "intended=%s\nlast=%d\n", value["intended"], value["last"]
    }') &&
    # Not by awk: macOS' awk does not detect a full disk.
    printf '%s\n' "$new" >"$folder/state.new" && [ ! -d "$folder/state" ] && mv "$folder/state.new" "$folder/state"
}

# state_fault [strictly]: what is wrong with the state; nothing if it is valid, or if nothing was ever deployed.
# strictly: fails if the engine can't confirm the latter.
state_fault() {
  local file=$folder/state fault=
  if [ ! -e "$file" ]; then fault="is missing"
  elif [ ! -f "$file" ] || ! cat "$file" >/dev/null 2>&1; then fault="can't be read"
  elif [ ! -s "$file" ]; then fault="is empty"
  elif ! is_valid; then fault="is invalid"
  elif [ -n "$(state current)" ] && [ ! -f "$folder/releases/$(state current)/release.env" ]; then
    fault="names release $(state current), which is not in releases/"
  fi
  [ -z "$fault" ] || is_untouched "$@" || printf '%s\n' "$fault"
}

is_valid() {
  [ "$(grep -cE '^(current|slot|intended|last)=' "$folder/state")" -eq 4 ] || return 1
  case $(state current):$(state slot):$(state intended) in
    :: | ::down) ;;
    *[!0-9]*:*:* | :*) return 1 ;;
    *:blue:up | *:blue:down | *:green:up | *:green:down) ;;
    *) return 1 ;;
  esac
  case $(state last) in '' | *[!0-9]*) return 1 ;; esac
}

# is_untouched [strictly]: there are neither releases nor containers, as far as the engine answers.
is_untouched() {
  local each list
  [ -z "$(releases)" ] || return 1
  for each in blue green proxy; do
    list=$(docker container ls -aq --filter "name=^$(container "$each")\$" 2>/dev/null) || { [ $# -eq 0 ] || return 1; }
    [ -z "$list" ] || return 1
  done
}

require_state() {
  local fault
  fault=$(state_fault "$@")
  [ -z "$fault" ] ||
    refuse "the state of $environment $fault: $folder/state (fix: llm-deploy recover $environment)"
}

# recover RELEASE WRITE: rebuilds the state from the servers' labels and the kept releases, or for RELEASE; shows it,
# and writes it unless WRITE is empty.
recover() {
  local fault slot='' release='' intended='' last reason running
  fault=$(state_fault)
  [ -n "$fault" ] || { say "the state of $environment is valid; nothing was done"; return; }
  check_engine
  take_lock "recover"
  drop_candidate
  derive_state "$1"
  say "the state of $environment $fault. Proposed state ($reason):"
  printf '  %s\n' "current=$release" "slot=$slot" "intended=$intended" "last=$last"
  running=$(running_servers)
  if [ "$intended" != up ] && [ -n "$running" ]; then
    refuse "$running runs, and would be stopped: nothing was written" \
      "(fix: recover the release that runs, or docker stop $running)"
  elif [ -z "$2" ]; then
    say "to write it: llm-deploy recover $environment${1:+ $1} --write"
  else
    set_state "current=$release" "slot=$slot" "intended=$intended" "last=$last" ||
      die 1 "$folder/state can't be written"
    say "written; check it: llm-deploy status $environment"
  fi
}

# derive_state RELEASE: into $release, $slot, $intended, $last and $reason of recover.
derive_state() {
  local found_slot='' found_release=''
  find_server
  last=$({
    highest_number
    for slot in blue green; do label_of "$(container $slot)" release || :; done
  } | sort -n | tail -n 1)
  slot=$(live_slot_of_proxy) intended=down
  if [ -n "$1" ]; then
    release=$(find_release "$1")
    [ -n "$release" ] || refuse "no such release is kept: $1 (kept: $(releases | tr '\n' ' '))"
    reason="your choice"
  elif [ -n "$found_release" ]; then
    release=$found_release reason="from the container $(container "$found_slot")"
  else
    release=$(releases | head -n 1)
    reason="the newest kept release, as none has a container"
  fi
  if [ -z "$release" ]; then
    slot='' intended='' reason="no release is kept"
  elif [ "$release" = "$found_release" ]; then
    slot=$found_slot
    ! is_running "$(container "$slot")" || intended=up
  fi
}

running_servers() {
  for slot in blue green; do
    if is_running "$(container $slot)"; then container $slot; fi
  done | head -n 1
}

# find_server: into $found_slot and $found_release, a server of a kept release. A running one comes first; of two, the
# one that the proxy sends to.
find_server() {
  local slot first release runs
  found_slot='' found_release=''
  first=$(live_slot_of_proxy)
  for runs in true false; do
    for slot in "$first" "$(other_slot "$first")"; do
      [ -z "$found_slot" ] || return 0
      release=$(label_of "$(container "$slot")" release) || continue
      [ -f "$folder/releases/${release:-none}/release.env" ] || continue
      [ "$(label_of "$(container "$slot")" env-hash)" = "$(of_release "$release" ENV_HASH)" ] || continue
      if is_running "$(container "$slot")" || [ $runs = false ]; then found_slot=$slot found_release=$release; fi
    done
  done
}

# Blue if the proxy says nothing.
live_slot_of_proxy() {
  local slot
  slot=$(proxy_slot)
  [ -n "$slot" ] || slot=$(sed -n 's/^live //p' "$folder/proxy/slot" 2>/dev/null) || :
  if [ "$slot" = green ]; then echo green; else echo blue; fi
}
