# shellcheck shell=dash
# Output and exit codes. A broken pipe (a lost ssh connection) must not abort a deploy.

DRIFT=1            # status: what runs is not what was deployed
REFUSED=3          # a condition is not met; nothing was changed
NO_ANSWER=5        # status: it should run, but clients get no answer
ROLLED_BACK=10     # it failed, and the previous release runs again
ROLLBACK_FAILED=11 # it failed, and the previous release does not run
NOT_LIVE=12        # it failed, and nothing ran before

say() { printf '%s%s\n' "${progress:+$CLEAR_LINE}" "$*" 2>/dev/null || :; }

CLEAR_LINE=$(printf '\r\033[K')

warn() { say "warning: $*"; }

# Only characters that are safe in the history and on a screen.
plain() { printf '%s' "$1" | tr -dc 'A-Za-z0-9._:/@+ -' | cut -c 1-100; }

# Untrusted text, on one line.
printable() { printf '%s' "$1" | tr -d '\000-\037\177' | cut -c 1-300; }

# Untrusted text of several lines, none of which GitHub reads as a command.
quoted() { tr -d '\000-\010\013-\037\177' | cut -c 1-300 | head -n 200 | sed 's/##\[/# #[/g; s/^/| /'; }

# die CODE SENTENCE
die() {
  local code=$1
  shift
  end_progress
  printf 'llm-deploy: %s\n' "$*" >&2 2>/dev/null || :
  exit "$code"
}

misuse() { die 2 "$@"; }          # invalid arguments or input; nothing was changed
refuse() { die "$REFUSED" "$@"; }
locked() { die 4 "$@"; }          # another run is at work; nothing was changed

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

seconds() { date +%s; }

# sha256: of standard input.
sha256() {
  local sum
  sum=$(sha256_sums) && printf '%s\n' "${sum%% *}"
}

# sha256_sums [FILE...]: a line for each.
sha256_sums() { if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

LATE=124 # within ended the command

# within SECONDS COMMAND...: ends a command that takes longer, and then returns $LATE, whatever the command returned.
# macOS has no timeout(1). COMMAND is run by exec, so it can't be a function, whose children would not end. It has no
# standard input. The watch is killed by SIGKILL: it has this shell's traps for a moment, and would release the lock.
within() {
  local seconds_left=$1 watch code=0
  shift
  exec "$@" </dev/null &
  running=$!
  (
    while sleep 1 && kill -0 $running; do
      seconds_left=$((seconds_left - 1))
      # Its exit code reports the timeout, so it ends a second before the command is signalled.
      [ "$seconds_left" -gt 0 ] || { end_kindly & exit $LATE; }
    done
  ) >/dev/null 2>&1 </dev/null &
  watch=$!
  wait $running || code=$?
  running=
  kill -9 $watch 2>/dev/null || :
  wait $watch 2>/dev/null || [ $? -ne $LATE ] || {
    code=$LATE
    printf 'timed out: no answer in %s s\n' "$seconds_left" >&2 2>/dev/null || :
  }
  return $code
}

# docker forwards the signal to its plugin and to the container that it runs.
end_kindly() {
  sleep 1
  kill $running
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    kill -0 $running || return
  done
  kill -9 $running
}

# The running command must not continue without the lock.
end_running() { [ -z "${running:-}" ] || { kill "$running" 2>/dev/null && wait "$running" 2>/dev/null; } || :; }
