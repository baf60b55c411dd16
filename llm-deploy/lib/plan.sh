# shellcheck shell=dash
# The steps of a verb, one per line, decided before any of them runs. plan prints the list that deploy carries out, so
# they can't differ.
#
#   pull IMAGE            write RELEASE          start SLOT RELEASE     check SLOT RELEASE
#   proxy                 switch SLOT            check-port RELEASE     live RELEASE SLOT
#   drain SLOT            remove SLOT            ollama SLOT            prune

# steps_to_deploy RELEASE IMAGE
steps_to_deploy() {
  echo "pull $2"
  echo "write $1"
  steps_to_run "$1"
  echo "prune"
}

steps_to_roll_back() {
  has_image "$(of_release "$1" IMAGE)" || echo "pull $(of_release "$1" IMAGE)"
  steps_to_run "$1"
}

# steps_to_run RELEASE: beside the live release or, for recreate, after removing it.
steps_to_run() {
  local live next
  live=$(state slot)
  next=$(other_slot "$live")
  echo "proxy"
  if [ -n "$live" ] && [ "$(strategy)" = recreate ]; then echo "remove $live"; fi
  echo "start $next $1"
  echo "check $next $1"
  echo "switch $next"
  echo "check-port $1"
  echo "live $1 $next"
  if [ -n "$live" ] && [ "$(strategy)" = bluegreen ]; then
    echo "drain $live"
    echo "remove $live"
  fi
  echo "ollama $next"
}

# carry_out STEPS: in order, until one fails.
carry_out() {
  local line
  while read -r line <&3; do
    say "- $line"
    show_progress "$line"
    # shellcheck disable=SC2086 # words of ours, without blanks in them
    carry_out_step $line || { end_progress; say "FAILED: $line"; return 1; }
    end_progress
  done 3<<STEPS
$1
STEPS
}

carry_out_step() {
  case $1 in
    pull) has_image "$2" || pull "$2" ;;
    write)
      check_label && copy_compose_files && write_candidate "$2" &&
        warn_of_client_header "$folder/candidate/env" "$folder/candidate/compose/server.yaml"
      ;;
    proxy) start_proxy ;;
    start) start_server "$2" "$3" --force-recreate ;;
    check) check_server "$2" "$3" ;;
    switch) switch_proxy "$2" ;;
    check-port) check_port "$2" ;;
    live) keep_candidate "$2" && set_state "current=$2" "slot=$3" intended=up ;;
    drain) drain_slot "$2" ;;
    remove) remove_server "$2" ;;
    ollama) warn_of_ollama "$2" ;;
    prune) prune_releases ;;
    *) die 1 "no such step: $1" ;;
  esac
}

# check_label: the image's label must be the given commit.
check_label() {
  local revision
  revision=$(revision_of "$(candidate IMAGE)")
  [ "$revision" = "$(candidate BUILT_FROM)" ] ||
    { say "the image was built from '$(printable "$revision")' (expected: $(candidate BUILT_FROM))"; return 1; }
}
