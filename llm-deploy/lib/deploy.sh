# shellcheck shell=dash
# Deploy and rollback. Both carry out a plan. If a step fails, the machine converges to the recorded state again, which
# still names the previous release.

# deploy IMAGE BUILT_FROM PROMOTED_AS ENV_FILE
deploy() {
  local number
  read_settings "$4"
  check_engine
  require_state strictly
  take_lock "deploy of $2"
  drop_candidate
  if is_live "$1" "$2" && converge && check_converged; then
    say "release $(state current) is live already: the same image and settings; nothing was done"
    record deploy "$(state current)" no_change "$(seconds)" "$1" "$2" "$3"
    return
  fi
  check_gpu "$(given_settings)" || refuse "nothing was changed"
  number=$(next_number)
  begin_candidate "$1" "$2" "$3" && set_state "last=$number" || { drop_candidate; refuse "$folder can't be written"; }
  converge || warn "the machine differs from the recorded state"
  make_live deploy "$number" "$(steps_to_deploy "$number" "$1")" "$1" "$2" "$3"
}

# Older engines fail later, with messages of their own.
check_engine() {
  local said
  said=$(preflight_engine && preflight_compose) || refuse "$said"
}

# plan IMAGE BUILT_FROM ENV_FILE
plan() {
  local current each
  read_settings "$3"
  current=$(state current)
  if is_live "$1" "$2"; then
    say "nothing: release $current has the same image and settings"
    return
  fi
  say "image:    $(of_release "${current:-0}" IMAGE)"
  say "       -> $1"
  say "settings:"
  setting_changes "$(settings_of "$current")" "$(given_settings)" | sed 's/^/  /'
  check_gpu "$(given_settings)" || say "a deploy would be refused"
  ! is_down "$(container proxy)" || for each in "$port $(published_address)" "$(metrics_port) 127.0.0.1"; do
    # shellcheck disable=SC2086 # two words
    ! is_taken $each || say "a deploy would fail: $(taken "${each% *}")"
  done
  # The image isn't here yet, so the tool's own file is compared. deploy compares the image's.
  warn_of_client_header "$(given_settings)" "$root/compose/server.yaml"
  say "steps:"
  steps_to_deploy "$(next_number)" "$1" | sed 's/^/  /'
}

# rollback [RELEASE]
rollback() {
  local current target
  read_token
  take_lock "rollback"
  drop_candidate
  current=$(state current)
  [ -n "$current" ] || refuse "nothing was ever deployed to $environment"
  if [ -n "$1" ]; then target=$(find_release "$1"); else target=$(previous_of "$current"); fi
  [ -n "$target" ] || refuse "no such release is kept: ${1:-one before $current} (kept: $(releases | tr '\n' ' '))"
  [ "$target" != "$current" ] || refuse "release $target is live already"
  check_kept_compose_files "$target"
  warn_of_client_header "$(settings_of "$target")" "$(release_folder "$target")/compose/server.yaml"
  publish_settings "$target"
  check_gpu "$(settings_of "$target")" || warn "the environments don't agree on NUM_CTX"
  converge || warn "the machine differs from the recorded state"
  make_live rollback "$target" "$(steps_to_roll_back "$target")"
}

# make_live KIND RELEASE STEPS [IMAGE BUILT_FROM PROMOTED_AS]: the last three as in record.
make_live() {
  local kind=$1 release=$2 steps=$3 began
  shift 3
  began=$(seconds)
  if carry_out "$steps"; then
    record "$kind" "$release" live "$began" "$@"
    say "release $release is live in $environment after $(($(seconds) - began)) s"
  elif [ "$(state current)" = "$release" ]; then
    # It has served requests: only the cleanup failed.
    record "$kind" "$release" live "$began" "$@"
    warn "release $release is live, but the cleanup failed; the next verb repeats it"
  else
    undo "$kind" "$release" "$began" "$@"
  fi
}

# undo KIND RELEASE BEGAN [IMAGE BUILT_FROM PROMOTED_AS]: converges to the recorded state.
undo() {
  local current outcome code kind=$1 release=$2 began=$3
  shift 3
  current=$(state current)
  drop_candidate
  if converge && check_converged; then
    if [ -z "$current" ] || [ "$(state intended)" = down ]; then
      outcome=failed code=$NOT_LIVE
      say "nothing ran before, and nothing runs"
    else
      outcome=rolled_back code=$ROLLED_BACK
      say "rolled back: release $current runs as before"
    fi
  else
    outcome=rollback_failed code=$ROLLBACK_FAILED
    say "THE ROLLBACK FAILED: release ${current:-none} does not run. See docs/operations.md"
  fi
  record "$kind" "$release" "$outcome" "$began" "$@"
  exit "$code"
}

# converge: to the recorded state. The live release runs and the proxy sends to it; everything else is stopped.
converge() {
  local current slot
  current=$(state current)
  slot=$(state slot)
  await_engine || { say "the Docker engine does not answer"; return 1; }
  if [ -z "$current" ] || [ "$(state intended)" = down ]; then
    stop_proxy && stop_server blue && stop_server green
    return
  fi
  start_proxy && start_server "$slot" "$current" --no-recreate && switch_proxy "$slot" || return 1
  is_gone "$(container "$(other_slot "$slot")")" || {
    drain_slot "$(other_slot "$slot")"
    remove_server "$(other_slot "$slot")"
  }
}

check_converged() {
  local current
  current=$(state current)
  if [ -n "$current" ] && [ "$(state intended)" = up ]; then check_port "$current"; fi
}

# is_live IMAGE BUILT_FROM: whether the state names that image, with the given settings.
is_live() {
  local current
  current=$(state current)
  [ -n "$current" ] && [ "$(state intended)" = up ] &&
    [ "$(of_release "$current" IMAGE | untagged)" = "$(echo "$1" | untagged)" ] &&
    [ "$(of_release "$current" BUILT_FROM)" = "$2" ] &&
    [ "$(of_release "$current" ENV_HASH)" = "$(sha256 <"$(given_settings)")" ]
}

settings_of() { if [ -n "$1" ]; then printf '%s/env\n' "$(release_folder "$1")"; else echo /dev/null; fi; }

# The first line of standard input, where a user of the registry is named.
read_token() { [ -z "$registry_user" ] || IFS= read -r registry_token || :; }

# given_settings: the file with the settings that this run makes live.
given_settings() { printf '%s/run.%s/settings\n' "$folder" $$; }

# read_settings ENV_FILE: into given_settings. Its last line proves that it is complete.
read_settings() {
  local file
  read_token
  file=$(given_settings)
  private_folder >/dev/null && cat -- "$1" >"$file" || refuse "$folder can't be written"
  [ "$(tail -n 1 "$file")" = "# end" ] ||
    misuse "the settings are not complete: their last line is not '# end' (render-env writes it)"
  awk '!/^[A-Z_][A-Z0-9_]*=/ && !/^#/ && !/^$/ { exit 1 }' "$file" ||
    misuse "the settings have a line that is not NAME=value"
  check_names "$file"
  [ "$(value_of APP_ENV "$file")" = "$environment" ] ||
    misuse "the settings are not for $environment: APP_ENV is '$(value_of APP_ENV "$file")'"
}

# check_names FILE: accepts only settings of this machine's manifest. Others could be the JVM's or Spring's.
check_names() {
  local name fault
  name=$(known_settings "$environment" | awk -F = '
    FILENAME != ARGV[2] { known[$1] = 1; next }
    !/^[A-Z_]/ { next }
    !($1 in known) { print $1, "unknown"; exit }
    $1 in given { print $1, "twice"; exit }
    { given[$1] = 1 }' - "$1")
  fault=${name#* } name=${name% *}
  case $fault in
    unknown)
      misuse "setting $name: not defined for $environment in $root/env/manifest.csv" \
        "(fix: leave it out, or update the tool)"
      ;;
    twice) misuse "setting $name: given twice" ;;
  esac
}
