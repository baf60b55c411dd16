# shellcheck shell=dash
# start, stop and reconcile. reconcile restores what should run: some versions of Docker Desktop leave containers down
# after a reboot, and a server can hang. An environment stopped by the verb stop stays down.

stop_environment() {
  take_lock "stop"
  [ -n "$(state current)" ] || refuse "nothing was ever deployed to $environment"
  set_state intended=down
  converge || die 1 "not everything could be stopped"
  record stop "$(state current)" 'done' "$(seconds)"
  say "$environment is stopped, and stays stopped"
}

start_environment() {
  take_lock "start"
  [ -n "$(state current)" ] || refuse "nothing was ever deployed to $environment"
  publish_settings "$(state current)"
  check_gpu "$(settings_of "$(state current)")" || warn "the environments don't agree on NUM_CTX"
  set_state intended=up
  converge && check_converged || die 1 "release $(state current) does not answer"
  record start "$(state current)" 'done' "$(seconds)"
  say "$environment runs release $(state current)"
}

# Adds the time, for reconcile.log.
tell() { say "$(now) $environment: $*"; }

# Silent if there is nothing to do: it runs every minute.
reconcile_environment() {
  if is_locked; then
    tell "skipped, locked: $(lock_line)"
  elif [ -n "$(state current)" ] && ! is_converged; then
    take_lock "reconcile"
    drop_candidate
    converge && check_converged || die 1 "$environment can't be restored"
    tell "restored ($(state intended))"
  elif [ "$(state intended)" = up ]; then
    check_liveness
  fi
}

# Whether converge has nothing to repair. It can't repair an edited file or a proxy with another configuration.
is_converged() {
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
