# shellcheck shell=dash
# On a terminal, the last line shows a step's time, and what it waits for. Elsewhere nothing.
#
#   run.PID/doing   what the step waits for

progress=

# show_progress STEP
show_progress() {
  local began
  [ -t 1 ] || return 0
  end_progress
  began=$(seconds)
  waits_for ''
  (
    while sleep 1 && kill -0 $$; do
      # A line wider than the terminal could not be cleared.
      printf '%s%s' "$CLEAR_LINE" "$(
        printf '  %s s  %s%s' "$(($(seconds) - began))" "${1%%@*}" "$(sed -n 's/^./: &/p' "$folder/run.$$/doing")" |
          cut -c 1-79
      )" >&4
    done
  ) 4>&1 >/dev/null 2>&1 </dev/null &
  progress=$!
}

# waits_for WORDS
waits_for() { [ ! -t 1 ] || printf '%s\n' "$1" >"$(private_folder)/doing" || :; }

# By SIGKILL, as in within.
end_progress() {
  [ -n "$progress" ] || return 0
  kill -9 $progress 2>/dev/null || :
  wait $progress 2>/dev/null || :
  progress=
  printf '%s' "$CLEAR_LINE" 2>/dev/null || :
}
