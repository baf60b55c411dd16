# shellcheck shell=dash
# What the tool says, and how it ends. A broken pipe (a lost ssh connection) must not end a deploy in the middle.

DRIFT=1            # status: what runs is not what was deployed
REFUSED=3          # a condition is not met; nothing was touched
NO_ANSWER=5        # status: it is to run, and callers are not answered
ROLLED_BACK=10     # it failed, and what ran before runs again
ROLLBACK_FAILED=11 # it failed, and what ran before does not
NOT_LIVE=12        # it failed, and nothing ran before

say() { printf '%s%s\n' "${progress:+$CLEAR_LINE}" "$*" 2>/dev/null || :; }

CLEAR_LINE=$(printf '\r\033[K')

warn() { say "warning: $*"; }

# What may stand in the history and on a screen.
plain() { printf '%s' "$1" | tr -dc 'A-Za-z0-9._:/@+ -' | cut -c 1-100; }

# What a stranger may have written, on one line.
printable() { printf '%s' "$1" | tr -d '\000-\037\177' | cut -c 1-300; }

# The same of more lines: GitHub takes none of them for a command.
quoted() { tr -d '\000-\010\013-\037\177' | cut -c 1-300 | head -n 200 | sed 's/##\[/# #[/g; s/^/| /'; }

# die CODE SENTENCE
die() {
  local code=$1
  shift
  end_progress
  printf 'llm-deploy: %s\n' "$*" >&2 2>/dev/null || :
  exit "$code"
}

misuse() { die 2 "$@"; }          # the words or the input are wrong; nothing was touched
refuse() { die "$REFUSED" "$@"; }
locked() { die 4 "$@"; }          # somebody else is at work; nothing was touched

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

seconds() { date +%s; }

# sha256: of standard input.
sha256() {
  local sum
  sum=$(sha256_sums) && printf '%s\n' "${sum%% *}"
}

# sha256_sums [FILE...]: a line for each.
sha256_sums() { if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

LATE=124 # what within ended

# within SECONDS COMMAND...: ends a command that takes longer, and then fails with $LATE, whatever the command made of
# it. macOS has no timeout(1). By exec, so never a function: it would end, but not what it waits for. The command has no
# standard input. The watch is ended by a signal that no trap takes: it has the traps of this shell for a moment, and
# would give back the lock.
within() {
  local patience=$1 watch code=0
  shift
  exec "$@" </dev/null &
  running=$!
  (
    while sleep 1 && kill -0 $running; do
      patience=$((patience - 1))
      # Its code is what tells, so it ends a second before the command is told to.
      [ "$patience" -gt 0 ] || { end_kindly & exit $LATE; }
    done
  ) >/dev/null 2>&1 </dev/null &
  watch=$!
  wait $running || code=$?
  running=
  kill -9 $watch 2>/dev/null || :
  wait $watch 2>/dev/null || [ $? -ne $LATE ] || {
    code=$LATE
    printf 'given up: no answer in %s s\n' "$patience" >&2 2>/dev/null || :
  }
  return $code
}

# A docker that is told passes it on to its plugin, and to the container that it runs.
end_kindly() {
  sleep 1
  kill $running
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    kill -0 $running || return
  done
  kill -9 $running
}

# What runs must not go on without the lock.
end_running() { [ -z "${running:-}" ] || { kill "$running" 2>/dev/null && wait "$running" 2>/dev/null; } || :; }
