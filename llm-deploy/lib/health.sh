# shellcheck shell=dash
# Health checks: does a server answer with the expected revision? Ollama's health only causes a warning.

# await_health WHERE REVISION COMMAND...: tries five times, after 1, 2, 4, 8 and 16 s, until COMMAND prints a
# /health response with the revision.
await_health() {
  local where=$1 expected=$2 wait answer revision try=0
  shift 2
  for wait in 1 2 4 8 16; do
    try=$((try + 1))
    waits_for "try $try of 5, after $wait s"
    sleep $wait
    answer=$("$@" 2>/dev/null) || answer=
    revision=$(printable "$(json_text revision "$answer")")
    if [ -n "$revision" ] && [ "$revision" = "$expected" ]; then
      say "$where: healthy, revision $revision"
      return
    fi
    say "$where: not yet (${revision:+it is another revision: }${revision:-no answer}), waited $wait s"
  done
  return 1
}

# json_text NAME JSON: a text field of a flat object.
json_text() { printf '%s\n' "$2" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# From inside the container: on macOS the host can't reach its address, and no other process can answer.
ask_server() { within 10 docker exec "$(container "$1")" ./health "${2:-/health}"; }

# As clients do.
ask_port() { curl -fsS --max-time 5 "http://$(published_address):$port/health"; }

published_address() {
  local address
  address=$(setting BIND_ADDRESS 127.0.0.1)
  if [ "$address" = 0.0.0.0 ]; then echo 127.0.0.1; else printf '%s\n' "$address"; fi
}

check_server() {
  await_health "$(container "$1")" "$(of_release "$2" BUILT_FROM)" ask_server "$1" && return
  say "--- the last lines of $(container "$1"):"
  logs_of "$1" 20 "$2" | quoted || :
  return 1
}

check_port() { await_health "port $port" "$(of_release "$1" BUILT_FROM)" ask_port; }

warn_of_ollama() {
  local answer
  answer=$(ask_server "$1" /health/ready 2>/dev/null) ||
    warn "server not ready: $(printable "$(printf '%s\n' "$answer" | sed -n 's/.*"missing":\[\(.*\)\].*/\1/p')")"
}
