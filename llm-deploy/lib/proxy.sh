# shellcheck shell=dash
# The proxy owns the ports and sends each new request to the live slot; running requests stay where they began. A file
# names the live slot for the proxy's next start; the running proxy has it in memory.

compose_proxy() {
  within $COMPOSE_SECONDS env BIND_ADDRESS="$(setting BIND_ADDRESS 127.0.0.1)" METRICS_PORT="$(metrics_port)" \
    PROXY_IMAGE="$(setting PROXY_IMAGE "$DEFAULT_PROXY_IMAGE")" LIVE_FOLDER="$folder/proxy" PROXY_HASH="$(proxy_hash)" \
    docker compose --progress quiet --env-file "$root/compose/$environment.env" \
      -f "$root/proxy/compose.yaml" "$@"
}

DEFAULT_PROXY_IMAGE=haproxy:3.2

# A running proxy is not changed, even if its configuration did: only restart-proxy interrupts it.
start_proxy() {
  [ -f "$folder/proxy/slot" ] || write_live_slot blue || return 1
  if is_down "$(container proxy)"; then compose_proxy up -d; else compose_proxy up -d --no-recreate; fi
}

# Refused while the old proxy still serves, if the new one could not start.
restart_proxy() {
  take_lock "restart of the proxy"
  ! is_taken "$(metrics_port)" 127.0.0.1 || refuse "$(taken "$(metrics_port)" "$(metrics_port_name)")"
  compose_proxy up -d --force-recreate || die 1 "the proxy did not start"
  check_converged || die 1 "release $(state current) does not answer behind the new proxy"
}

stop_proxy() { is_gone "$(container proxy)" || docker stop "$(container proxy)" >/dev/null; }

# With the port of the metrics: another one is another configuration.
proxy_hash() { { cat "$root"/proxy/* && metrics_port; } | sha256; }

# publishes PORT: the proxy does, or would if it ran.
publishes() {
  docker container inspect -f '{{range .HostConfig.PortBindings}}{{range .}}{{println .HostPort}}{{end}}{{end}}' \
    "$(container proxy)" 2>/dev/null | grep -x "$1" >/dev/null
}

# is_taken PORT ADDRESS: something else than the running proxy has it.
is_taken() {
  ! { is_running "$(container proxy)" && publishes "$1"; } || return 1
  curl -s -o /dev/null --max-time 2 "http://$2:$1/" || [ $? -ne 7 ]
}

# taken PORT [SETTING]: a sentence.
taken() {
  printf 'port %s is taken by something else (fix: lsof -nP -iTCP:%s -sTCP:LISTEN%s)\n' \
    "$1" "$1" "${2:+; or set $2 to another port}"
}

# ask_proxy COMMAND: sends it to the running proxy and prints the response. The image has bash, but no socat.
ask_proxy() {
  # shellcheck disable=SC2016 # the shell in the container expands it
  within 10 docker exec "$(container proxy)" bash -c \
    'exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && cat <&3' - "$1"
}

# write_live_slot SLOT: for the proxy's next start. The proxy's user must be able to read the file.
write_live_slot() (
  umask 022
  [ "$(cat "$folder/proxy/slot" 2>/dev/null)" != "live $1" ] || exit 0 # also where the disk is full
  mkdir -p "$folder/proxy" &&
    echo "live $1" >"$folder/proxy/slot.new" &&
    mv "$folder/proxy/slot.new" "$folder/proxy/slot"
)

# switch_proxy SLOT: sends every new request there. The file comes first: a proxy that starts in between then uses a
# slot that was found healthy.
switch_proxy() {
  write_live_slot "$1" || return 1
  for _ in 1 2 3 4 5; do # it may have just started
    ask_proxy "set map /live/slot live $1" >/dev/null 2>&1 || :
    [ "$(proxy_slot)" != "$1" ] || return 0
    sleep 1
  done
  say "the proxy does not switch to $1"
  return 1
}

# proxy_slot: the running proxy's target.
proxy_slot() { ask_proxy 'show map /live/slot' 2>/dev/null | awk '$2 == "live" { print $3 }'; }

# drain_slot SLOT: waits until none of its responses runs or waits in its queue, at most DRAIN_TIMEOUT seconds. The
# server then ends the rest.
drain_slot() {
  local left end responses
  left=$(number_setting DRAIN_TIMEOUT 600)
  end=$(($(seconds) + left)) # with a hanging proxy, a round takes longer than a second
  until is_down "$(container proxy)"; do
    responses=$(running_responses "$1")
    [ "$responses" != 0 ] || return 0
    if [ "$left" -le 0 ] || [ "$(seconds)" -ge $end ]; then
      warn "${responses:-some} responses of $1 still run after DRAIN_TIMEOUT"
      return 0
    fi
    waits_for "${responses:-some} responses, $left s at most"
    sleep 1
    left=$((left - 1))
  done
}

# running_responses SLOT: their number; nothing if the proxy does not answer.
running_responses() {
  ask_proxy "show stat $1 2 -1" 2>/dev/null | awk -F , '$2 == "BACKEND" { print $5 }'
}
