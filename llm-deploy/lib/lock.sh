# shellcheck shell=dash
# One run at a time in each environment. macOS has no flock(1).
#
#   lock/N    the Nth holder. The highest number counts: an empty file is free; else it has the lines kind, pid, began,
#             reason, actor, at, seconds.
#
# A run takes the lock by creating N + 1 with ln(1), which fails if the file exists: of several runs only one
# succeeds. It releases the lock by emptying the file. The lock of an ended run is taken over; a manual one stays
# until unlock.
#
# The highest file is never removed, and stays free once it is free. So a run that finds it free may create the next
# one. If that is then not the highest, its number had been used and removed, and another run has a higher one.

# take_lock REASON: until this run ends.
take_lock() {
  local waited=0
  until make_lock "kind=run" "pid=$$" "began=$(process_start $$)" "reason=$1"; do
    [ "$waited" -lt "$(number_setting LOCK_WAIT 0)" ] || locked "$environment is locked: $(lock_line)"
    sleep 1
    waited=$((waited + 1))
  done
}

release_lock() {
  local owner
  owner=$(newest_lock)
  [ "$(value_of pid "$owner")" != $$ ] || : >"$owner"
}

# newest_lock: the file that counts; without one, the file of an older version of this tool, which has the same lines.
newest_lock() {
  local number
  number=$(newest_number)
  if [ "$number" = 0 ] && [ -f "$folder/lock/owner" ]; then number=owner; fi
  printf '%s/lock/%s\n' "$folder" "$number"
}

newest_number() {
  local number newest=0
  for number in $(lock_numbers); do [ "$number" -le $newest ] || newest=$number; done
  echo $newest
}

lock_numbers() {
  local file
  for file in "$folder"/lock/[0-9]*; do
    file=${file##*/}
    case $file in *[!0-9]*) ;; *) echo "$file" ;; esac
  done
}

# make_lock LINE...: fails if it is taken. The file is written before it gets its name, so every lock has an owner.
make_lock() {
  local new line number former
  mkdir -p "$folder/lock" || refuse "$folder can't be written"
  for new in "$folder"/lock/new.[0-9]* "$folder"/run.[0-9]*; do kill -0 "${new##*.}" 2>/dev/null || rm -rf "$new"; done
  new=$folder/lock/new.$$
  {
    for line; do printf '%s\n' "$line"; done
    printf 'actor=%s\nat=%s\nseconds=%s\n' "$actor" "$(now)" "$(seconds)"
  } >"$new" || refuse "$folder can't be written"
  number=$(($(newest_number) + 1))
  former=$(lock_line)
  if is_locked || ! ln "$new" "$folder/lock/$number" 2>/dev/null; then
    rm -f "$new"
    return 1
  fi
  rm -f "$new"
  if [ "$(newest_number)" != $number ]; then
    rm -f "$folder/lock/$number"
    return 1
  fi
  [ -z "$former" ] || say "taking over the lock of a run that has ended: $former"
  # The previous file stays, for another run that lists the folder right now.
  for new in $(lock_numbers); do [ "$new" -ge $((number - 1)) ] || rm -f "$folder/lock/$new"; done
  rm -f "$folder/lock/owner"
}

# Locked by hand, or by a run that has not ended.
is_locked() {
  local owner pid began
  owner=$(newest_lock)
  case $(value_of kind "$owner") in manual) return 0 ;; run) ;; *) return 1 ;; esac
  pid=$(value_of pid "$owner")
  began=$(value_of began "$owner")
  # kill fails for other users' processes, so it is used only without a start time from ps.
  if [ -z "$began" ]; then kill -0 "$pid" 2>/dev/null; else [ "$(process_start "$pid")" = "$began" ]; fi
}

# Distinguishes processes with the same pid. In UTC, since logins may have different time zones.
process_start() { TZ=UTC0 ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' || :; }

# lock_line: nothing if it is free.
lock_line() {
  local owner
  owner=$(newest_lock)
  [ -s "$owner" ] || return 0
  printf '%s, by %s, since %s (%s s)\n' "$(value_of reason "$owner")" "$(value_of actor "$owner")" \
    "$(value_of at "$owner")" "$(($(seconds) - $(value_of seconds "$owner" | grep . || seconds)))"
}

# lock REASON: by hand.
lock() {
  make_lock kind=manual "reason=$1" || locked "$environment is locked: $(lock_line)"
  say "$environment is locked: $(lock_line)"
}

unlock() {
  local owner
  owner=$(newest_lock)
  if [ ! -s "$owner" ]; then
    say "$environment is not locked"
  elif [ "$(value_of kind "$owner")" = manual ] && [ "$caller" = pipeline ]; then
    refuse "$environment was locked by hand; only the operator can unlock it: $(lock_line)"
  elif [ "$(value_of kind "$owner")" != manual ] && is_locked; then
    locked "$environment is in use: $(lock_line)"
  else
    say "unlocking $environment: $(lock_line)"
    : >"$owner"
  fi
}
