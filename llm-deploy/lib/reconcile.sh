# shellcheck shell=dash
# Starting, stopping, and putting back what should run: after a reboot some versions of Docker Desktop leave containers
# down that should come back, and a server can hang. What was stopped by the stop verb stays down.

stop_environment() {
  take_lock "stop"
  [ -n "$(state current)" ] || refuse "nothing was ever deployed to $environment"
  set_state intended=down
  settle || die 1 "not everything could be stopped"
  record stop "$(state current)" 'done' "$(seconds)"
  say "$environment is stopped, and stays so"
}

start_environment() {
  take_lock "start"
  [ -n "$(state current)" ] || refuse "nothing was ever deployed to $environment"
  publish_settings "$(state current)"
  check_gpu "$(settings_of "$(state current)")" || warn "the environments don't agree on NUM_CTX"
  set_state intended=up
  settle && check_settled || die 1 "release $(state current) does not answer"
  record start "$(state current)" 'done' "$(seconds)"
  say "$environment runs release $(state current)"
}

# For a log that has no times.
tell() { say "$(now) $environment: $*"; }

# One environment; silent where there is nothing to do, as it is called every minute.
reconcile_environment() {
  if is_locked; then
    tell "left alone, as it is locked: $(lock_line)"
  elif [ -n "$(state current)" ] && ! is_settled; then
    take_lock "reconcile"
    drop_candidate
    settle && check_settled || die 1 "$environment can't be put back as it should be"
    tell "put back as it should be ($(state intended))"
  elif [ "$(state intended)" = up ]; then
    look_at_server
  fi
}

# What settle can mend; an edited file or a proxy with another configuration is for people.
is_settled() {
  local slot
  [ ! -d "$folder/candidate" ] || return 1
  slot=$(state slot)
  if [ "$(state intended)" = down ]; then
    ! is_running "$(container blue)" && ! is_running "$(container green)" && ! is_running "$(container proxy)"
  else
    is_running "$(container "$slot")" && is_running "$(container proxy)" && [ "$(proxy_slot)" = "$slot" ] &&
      is_gone "$(container "$(other_slot "$slot")")"
  fi
}
