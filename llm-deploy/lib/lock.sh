# shellcheck shell=dash
# One run at a time in each environment; macOS has no flock(1).
#
#   lock/N    the Nth holder. The highest number counts: an empty file means free, else it has the lines kind, pid,
#             began, reason, actor, at, seconds.
#
# A holder takes N + 1 by ln(1), which fails if that file exists: of several runs only one gets it. It releases the lock
# by emptying the file. The lock of a run that has ended, however it ended, is taken over. One taken by hand stays
# until unlock.
#
# The highest file is never removed, and once it is free it stays free. So whoever finds it free may try the next
# number. If that turns out not to be the highest, it was used and removed before, and another run has a higher one.

# take_lock WHAT: for this run, until it ends.
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

# newest_lock: its file. Without one, that of an older version of this tool, which has the same lines.
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

# make_lock LINE...: fails if another has it. It is written before it gets its name, so no lock is without an owner.
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
  # The one before stays, for a listing that is being made right now.
  for new in $(lock_numbers); do [ "$new" -ge $((number - 1)) ] || rm -f "$folder/lock/$new"; done
  rm -f "$folder/lock/owner"
}

# Held, and not by a run that has ended.
is_locked() {
  local owner pid began
  owner=$(newest_lock)
  case $(value_of kind "$owner") in manual) return 0 ;; run) ;; *) return 1 ;; esac
  pid=$(value_of pid "$owner")
  began=$(value_of began "$owner")
  # Where ps doesn't know. Of others' processes ps tells, but kill doesn't.
  if [ -z "$began" ]; then kill -0 "$pid" 2>/dev/null; else [ "$(process_start "$pid")" = "$began" ]; fi
}

# A number that comes again belongs to a process that began at another time. Not every login has the same time zone.
process_start() { TZ=UTC0 ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' || :; }

# Nothing if it is free.
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
    refuse "$environment was locked by hand, so it is unlocked by hand: $(lock_line)"
  elif [ "$(value_of kind "$owner")" != manual ] && is_locked; then
    locked "$environment is being worked on: $(lock_line)"
  else
    say "unlocking $environment: $(lock_line)"
    : >"$owner"
  fi
}
