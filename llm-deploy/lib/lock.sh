# shellcheck shell=dash
# One at a time in each environment. mkdir is atomic everywhere; macOS has no flock(1). The lock of a run that has ended,
# however it ended, is taken over; one taken by hand stays until it is given back by hand.

# take_lock WHAT: for this run, until it ends.
take_lock() {
  local waited=0
  until make_lock "kind=run" "pid=$$" "began=$(process_start $$)" "reason=$1"; do
    if lock_is_stale && clear_lock; then
      :
    elif [ "$waited" -ge "$(number_setting LOCK_WAIT 0)" ]; then
      locked "$environment is locked: $(lock_line)"
    else
      sleep 1
      waited=$((waited + 1))
    fi
  done
}

release_lock() { [ "$(value_of pid "$folder/lock/owner")" != $$ ] || rm -rf "$folder/lock"; }

# make_lock LINE...: made under another name first, so that there never is a lock without an owner.
make_lock() {
  local new line
  for new in "$folder"/lock.[0-9]* "$folder"/run.[0-9]*; do kill -0 "${new##*.}" 2>/dev/null || rm -rf "$new"; done
  new=$folder/lock.$$
  rm -rf "$new"
  mkdir "$new" || refuse "$folder can't be written"
  { for line; do printf '%s\n' "$line"; done; printf 'actor=%s\nat=%s\nseconds=%s\n' "$actor" "$(now)" "$(seconds)"; } >"$new/owner" ||
    refuse "$new can't be written"
  if [ ! -d "$folder/lock" ] && mkdir "$folder/lock" 2>/dev/null; then
    mv "$new/owner" "$folder/lock/owner" && rmdir "$new"
  else
    rm -rf "$new"
    return 1
  fi
}

# Others may have found the same lock stale, and one of them may be at work under a new one by now: one at a time looks
# again, and it is gone at once.
clear_lock() {
  mkdir "$folder/lock/clearing" 2>/dev/null || return 1
  if lock_is_stale; then
    say "taking over the lock of a run that has ended: $(lock_line)"
    mv "$folder/lock" "$folder/lock.$$" && rm -rf "$folder/lock.$$"
  else
    rmdir "$folder/lock/clearing"
    return 1
  fi
}

lock_is_stale() {
  local owner=$folder/lock/owner pid began
  if [ ! -f "$owner" ]; then
    sleep 1 # between mkdir and mv, unless it was killed there
    [ ! -f "$owner" ]
    return
  fi
  [ "$(value_of kind "$owner")" = run ] || return 1
  pid=$(value_of pid "$owner")
  began=$(value_of began "$owner")
  # Where ps doesn't know. Of others' processes ps tells, but kill doesn't.
  if [ -z "$began" ]; then ! kill -0 "$pid" 2>/dev/null; else [ "$(process_start "$pid")" != "$began" ]; fi
}

# A number that comes again belongs to a process that began at another time. Not every login has the same time zone.
process_start() { TZ=UTC0 ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' || :; }

lock_line() {
  local owner=$folder/lock/owner
  [ -f "$owner" ] || return 0
  printf '%s, by %s, since %s (%s s)\n' "$(value_of reason "$owner")" "$(value_of actor "$owner")" \
    "$(value_of at "$owner")" "$(($(seconds) - $(value_of seconds "$owner")))"
}

lock() {
  make_lock kind=manual "reason=${reason:-by hand}" || locked "$environment is locked: $(lock_line)"
  say "$environment is locked: $(lock_line)"
}

unlock() {
  if [ ! -d "$folder/lock" ]; then
    say "$environment is not locked"
  elif [ "$(value_of kind "$folder/lock/owner")" = run ] && ! lock_is_stale; then
    locked "$environment is being worked on: $(lock_line)"
  elif [ "$(value_of kind "$folder/lock/owner")" = manual ] && [ -n "${keeps_manual_locks:-}" ]; then
    refuse "$environment was locked by hand, so it is unlocked by hand: $(lock_line)"
  else
    say "unlocking $environment: $(lock_line)"
    rm -rf "$folder/lock"
  fi
}
