# shellcheck shell=dash
# Restarts a server that runs but does not answer. reconcile checks it every minute, and restarts it after three
# misses in a row, but not while responses are streaming, and at most three times an hour.
#
#   liveness   the last check: server (container and its start), at, misses, answers; and restarts (seconds of each)

MISSES=3
MIN_CHECK_SECONDS=30   # a check sooner than that, such as a manual one, does not count
STREAK_SECONDS=180     # a miss older than that does not count
RESTARTS_PER_HOUR=3
FLOW_SECONDS=20        # longer than HEARTBEAT_INTERVAL (15 s)
DUMP_SECONDS=5
RESTART_SECONDS=10     # between SIGTERM and SIGKILL: no response is streaming

# is_answered RELEASE: /health on the port has its revision.
is_answered() {
  local answer
  answer=$(ask_port 2>/dev/null) && [ "$(json_text revision "$answer")" = "$(of_release "$1" BUILT_FROM)" ]
}

# is_unhealthy CONTAINER: by Docker's health check.
is_unhealthy() {
  local health
  health=$(docker container inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1" 2>/dev/null) || :
  [ "$health" = unhealthy ]
}

# is_well SLOT RELEASE: Docker does not call the server unhealthy, and it answers through the port or, if that fails,
# from inside.
is_well() { ! is_unhealthy "$(container "$1")" && { is_answered "$2" || ask_server "$1" >/dev/null 2>&1; }; }

# check_liveness: counts misses, and restarts the server at $MISSES.
check_liveness() {
  local slot name release server answers misses=1 age
  slot=$(state slot)
  name=$(container "$slot")
  release=$(state current)
  server=$(start_of "$name") || return 0
  # Read first: this check's own request for /health raises it.
  answers=$(response_count_of "$slot")
  if is_well "$slot" "$release"; then
    [ -z "$(last_check misses)" ] || record_check "$server" '' ''
    is_answered "$release" || {
      tell "$name answers, but port $port does not (fix: llm-deploy restart-proxy $environment)"
      return 1
    }
    return 0
  fi
  if [ "$(last_check server)" = "$server" ] && [ -n "$(last_check misses)" ]; then
    age=$(($(seconds) - $(last_check at)))
    [ $age -ge $MIN_CHECK_SECONDS ] || return 0
    # Any response since the last check ends the streak.
    if [ $age -le $STREAK_SECONDS ] && [ "$(last_check answers)" = "$answers" ]; then
      misses=$(($(last_check misses) + 1))
    fi
    [ $misses -le $MISSES ] || misses=$MISSES
  fi
  record_check "$server" $misses "$(response_count_of "$slot")"
  tell "$name does not answer /health, miss $misses of $MISSES"
  [ $misses -lt $MISSES ] || restart_server "$slot" "$release" "$server"
}

# start_of CONTAINER: different after each start.
start_of() { docker container inspect -f '{{.Id}}@{{.State.StartedAt}}' "$1" 2>/dev/null; }

last_check() { value_of "$1" "$folder/liveness"; }

# record_check SERVER MISSES ANSWERS [RESTARTS]
record_check() {
  printf '%s\n' "server=$1" "at=$(seconds)" "misses=$2" "answers=$3" "restarts=${4:-$(last_check restarts)}" \
    >"$folder/liveness.new" && mv "$folder/liveness.new" "$folder/liveness"
}

# restart_server SLOT RELEASE SERVER: with a thread dump in its log.
restart_server() {
  local name began recent dump
  name=$(container "$1")
  began=$(seconds)
  recent=$(last_check restarts | tr ' ' '\n' | awk -v since=$((began - 3600)) '$1 > since' | tr '\n' ' ')
  # shellcheck disable=SC2086 # counted
  [ "$(set -- $recent; echo $#)" -lt $RESTARTS_PER_HOUR ] ||
    die 1 "$name was restarted $RESTARTS_PER_HOUR times within the hour, and does not answer again" \
      "(fix: llm-deploy rollback $environment)"
  # Without the lock, which would block a rollback.
  ! is_streaming "$1" || return 0
  take_lock "restart of a server that does not answer"
  # Another run may have changed the state before this one got the lock.
  [ "$(state current) $(state slot) $(state intended)" = "$2 $1 up" ] &&
    [ "$(start_of "$name")" = "$3" ] &&
    ! is_well "$1" "$2" || return 0
  record_check "$3" '' '' "$recent$began"
  if dump_threads "$name"; then
    dump="the thread dump is in its log"
  else
    dump="no thread dump could be made"
  fi
  docker restart -t $RESTART_SECONDS "$name" >/dev/null && check_port "$2" || {
    record restart "$2" failed "$began"
    die 1 "$name did not answer, was restarted, and still does not answer"
  }
  record restart "$2" 'done' "$began"
  tell "$name did not answer and was restarted; $dump"
}

# dump_threads CONTAINER: fails if there is no dump.
dump_threads() {
  local since left=$DUMP_SECONDS
  since=$(seconds)
  docker kill -s QUIT "$1" >/dev/null 2>&1 || return 1
  until docker logs --since "$since" "$1" 2>&1 | grep 'JNI global refs' >/dev/null; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 1
  done
}

# is_streaming SLOT: in FLOW_SECONDS a response began or grew, or the proxy does not answer. Prints which.
is_streaming() {
  local before after
  before=$(responses_of "$1")
  sleep $FLOW_SECONDS
  after=$(responses_of "$1")
  if [ -z "$before" ] || [ -z "$after" ]; then
    tell "$(container "$1") is not restarted: its proxy does not say whether responses are streaming"
  elif printf '%s\n' "$before" after "$after" | awk '
    $1 == "after" { after = 1; next }
    !after { size[$1] = $2; next }
    $1 in size && $2 > size[$1] { flows = 1 }
    END { exit !flows }'; then
    tell "$(container "$1") is not restarted: responses are still streaming"
  else
    return 1
  fi
}

# responses_of SLOT: a line for each running request with its id and the bytes of its response so far, and one with the
# number of responses. Nothing if the proxy does not answer.
responses_of() {
  local count running
  count=$(response_count_of "$1")
  running=$(ask_proxy 'show sess all' 2>/dev/null) || return 0
  [ -n "$count" ] && [ -n "$running" ] || return 0
  printf 'answers %s\n' "$count"
  printf '%s\n' "$running" | awk -v slot="$1" '
    /^0x/ { number = backend = ""; for (i = 1; i <= NF; i++) if ($i ~ /^id=/) number = $i }
    /^  backend=/ { backend = substr($1, 9) }
    /^  res=/ && backend == slot && match($0, /total=[0-9]+/) { print number, substr($0, RSTART + 6, RLENGTH - 6) }'
}

# response_count_of SLOT: the number of responses that its server has begun; nothing if the proxy does not answer. 5xx
# don't count: the proxy makes such responses itself.
response_count_of() {
  # Type 4: servers.
  ask_proxy "show stat $1 4 -1" 2>/dev/null | awk -F , '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /^hrsp_[1-4]xx$/) counts[i] }
    $2 == "api" { for (i in counts) sum += $i; print sum + 0 }'
}
