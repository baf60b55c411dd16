# shellcheck shell=dash
# The proxy owns the port and sends each new request to the slot that is live; what runs stays where it began. Which
# slot that is stands in a file, for the proxy's next start, and in the proxy's memory.

compose_proxy() {
  within $COMPOSE_SECONDS env BIND_ADDRESS="$(setting BIND_ADDRESS 127.0.0.1)" \
    PROXY_IMAGE="$(setting PROXY_IMAGE "$DEFAULT_PROXY_IMAGE")" LIVE_FOLDER="$folder/proxy" PROXY_HASH="$(proxy_hash)" \
    docker compose --progress quiet --env-file "$root/compose/$environment.env" \
      -f "$root/proxy/compose.yaml" "$@"
}

DEFAULT_PROXY_IMAGE=haproxy:3.2

# A proxy that runs is left alone, whatever has become of its configuration: only restart-proxy interrupts it.
start_proxy() {
  [ -f "$folder/proxy/slot" ] || write_live_slot blue || return 1
  compose_proxy up -d --no-recreate
}

restart_proxy() {
  take_lock "restart of the proxy"
  compose_proxy up -d --force-recreate || die 1 "the proxy did not start"
  check_settled || die 1 "release $(state current) does not answer behind the new proxy"
}

stop_proxy() { is_gone "$(container proxy)" || docker stop "$(container proxy)" >/dev/null; }

proxy_hash() { cat "$root"/proxy/* | sha256; }

# proxy_does COMMAND: says it to the running proxy and prints its answer. The image has bash, but no socat.
proxy_does() {
  # shellcheck disable=SC2016 # the shell in the container expands it
  within 10 docker exec "$(container proxy)" bash -c \
    'exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && cat <&3' - "$1"
}

# For the next start; the proxy's user must be able to read it.
write_live_slot() (
  umask 022
  [ "$(cat "$folder/proxy/slot" 2>/dev/null)" != "live $1" ] || exit 0 # also where the disk is full
  mkdir -p "$folder/proxy" &&
    echo "live $1" >"$folder/proxy/slot.new" &&
    mv "$folder/proxy/slot.new" "$folder/proxy/slot"
)

# switch_proxy SLOT: from here on every new request goes there. The file comes first: a proxy that starts in between
# sends to a slot that was found healthy.
switch_proxy() {
  write_live_slot "$1" || return 1
  for _ in 1 2 3 4 5; do # one that was just started listens in a moment
    proxy_does "set map /live/slot live $1" >/dev/null 2>&1 || :
    [ "$(proxy_slot)" != "$1" ] || return 0
    sleep 1
  done
  say "the proxy does not take $1"
  return 1
}

# Where the running proxy sends to.
proxy_slot() { proxy_does 'show map /live/slot' 2>/dev/null | awk '$2 == "live" { print $3 }'; }

# drain_slot SLOT: until none of its answers runs, or for DRAIN_TIMEOUT seconds. The server tells who then still runs.
drain_slot() {
  local left end answers
  left=$(number_setting DRAIN_TIMEOUT 600)
  end=$(($(seconds) + left)) # a proxy that does not answer makes rounds longer than a second
  until is_down "$(container proxy)"; do
    answers=$(running_answers "$1")
    [ "$answers" != 0 ] || return 0
    if [ "$left" -le 0 ] || [ "$(seconds)" -ge $end ]; then
      warn "${answers:-some} answers of $1 still run after DRAIN_TIMEOUT"
      return 0
    fi
    waits_for "${answers:-some} answers, $left s at most"
    sleep 1
    left=$((left - 1))
  done
}

# Nothing at all if the proxy can't be asked.
running_answers() {
  proxy_does "show stat $1 2 -1" 2>/dev/null | awk -F , '$2 == "BACKEND" { print $5 }'
}
