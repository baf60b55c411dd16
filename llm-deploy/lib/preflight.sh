# shellcheck shell=dash
# Checks whether this machine can run an environment: one line each, with the fix.

OLDEST_ENGINE=25     # start_interval of health checks
OLDEST_COMPOSE=2.30  # format: raw of env files
OLDEST_OLLAMA=0.30   # reports which models can chat; since 0.12.6 truncate:false keeps it from cutting prompts
NEWEST_OLLAMA=0.33   # of the recordings; OllamaVersionsTest compares both with the server's
NEEDED_MB=4096

preflight() {
  local code=0 check
  for check in engine compose restarts folder state disk clock port metrics_port ollama gpu tool; do
    "preflight_$check" || code=$REFUSED
  done
  return $code
}

passes() { say "ok       $*"; }
warns() { say "warning  $1 (fix: $2)"; }
fails() { say "fail     $1 (fix: $2)"; return 1; }

# at_least VERSION OLDEST: compares two numbers of each.
at_least() {
  printf '%s %s\n' "${1#v}" "$2" | awk '{
    split($1, a, ".")
    split($2, b, ".")
    exit !(a[1] + 0 > b[1] + 0 || (a[1] + 0 == b[1] + 0 && a[2] + 0 >= b[2] + 0))
  }'
}

preflight_engine() {
  local version
  version=$(within 20 docker version -f '{{.Server.Version}}' 2>/dev/null) ||
    { fails "no Docker engine answers" "start Docker Desktop, OrbStack or Colima; it needs a logged-in user"; return; }
  at_least "$version" $OLDEST_ENGINE || { fails "engine $version" "update it to $OLDEST_ENGINE or newer"; return; }
  passes "engine $version, $(docker version -f '{{.Server.Os}}/{{.Server.Arch}}')"
}

preflight_compose() {
  local version
  version=$(docker compose version --short 2>/dev/null) ||
    { fails "no docker compose answers" "install Compose $OLDEST_COMPOSE or newer"; return; }
  at_least "$version" $OLDEST_COMPOSE || { fails "compose $version" "update it to $OLDEST_COMPOSE or newer"; return; }
  passes "compose $version"
}

# Docker Desktop 4.42 to 4.46 and from 4.81 on leaves unless-stopped containers down after a restart.
preflight_restarts() {
  local info=/Applications/Docker.app/Contents/Info.plist version
  if [ "$(uname)" != Darwin ]; then passes "the engine itself restarts containers"; return; fi
  if [ -f "$info" ]; then
    version=$(defaults read "${info%.plist}" CFBundleShortVersionString 2>/dev/null || echo 0)
    if leaves_containers_down "$version" && [ ! -f "$(agent_file)" ]; then
      fails "Docker Desktop $version leaves containers down after a reboot" "llm-deploy install-agent"
      return
    fi
  fi
  if [ -f "$(agent_file)" ]; then passes "the LaunchAgent restores what should run"; else
    warns "no LaunchAgent restores what should run" "llm-deploy install-agent"
  fi
}

leaves_containers_down() { { at_least "$1" 4.42 && ! at_least "$1" 4.47; } || at_least "$1" 4.81; }

preflight_folder() {
  [ -w "$folder" ] || { fails "$folder can't be written" "chown it to $(id -un)"; return; }
  # shellcheck disable=SC2012 # mode and nothing else
  case $(ls -ld "$folder" | cut -c 5-10) in
    ------) passes "$folder is closed to others" ;;
    *) fails "$folder is open to others" "chmod 700 $folder" ;;
  esac
}

preflight_state() {
  local fault
  fault=$(state_fault)
  [ -z "$fault" ] || { fails "the state of $environment $fault" "llm-deploy recover $environment"; return; }
  passes "the state is valid"
}

preflight_disk() {
  local free
  free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -ge $NEEDED_MB ] || { fails "$free MB free" "llm-deploy prune $environment; docker system df"; return; }
  passes "$free MB free"
}

# Not compared with a time server: it must work offline.
preflight_clock() {
  if [ "$(date -u +%Y)" -lt 2026 ]; then fails "the clock says $(now)" "set the clock"; else passes "clock $(now)"; fi
}

preflight_port() { judge_port "$port" "$(published_address)"; }

preflight_metrics_port() { judge_port "$(metrics_port)" 127.0.0.1 "$(metrics_port_name)"; }

# judge_port PORT ADDRESS [SETTING]
judge_port() {
  if is_taken "$1" "$2"; then
    say "fail     $(taken "$1" "${3:-}")"
    return 1
  elif ! is_running "$(container proxy)"; then
    passes "port $1 is free"
  elif publishes "$1"; then
    passes "port $1 is the proxy's"
  else
    warns "the running proxy does not publish port $1" "llm-deploy restart-proxy $environment"
  fi
}

# From a container, as the server does.
preflight_ollama() {
  local url answer settings
  settings=$(live_settings "$environment")
  url=$(value_of OLLAMA_BASE_URL "${settings:-/dev/null}")
  url=${url:-http://host.docker.internal:11434}
  has_image "$(setting PROXY_IMAGE "$DEFAULT_PROXY_IMAGE")" ||
    { warns "Ollama was not checked: no image here to check from" "deploy once"; return; }
  answer=$(ask_from_container "$url" 2>/dev/null) || answer=
  case $answer in
    *'"version"'*) judge_ollama "$(json_text version "$answer")" "$url" ;;
    *)
      warns "no Ollama answers containers at $url" \
        "start Ollama; on Linux it must listen on more than 127.0.0.1 (OLLAMA_HOST)"
      ;;
  esac
}

# judge_ollama VERSION URL: by the first two numbers. A build without a release number reports 0.0.0 or a commit.
judge_ollama() {
  local version
  version=$(plain "$1")
  if ! printf '%s\n' "$version" | grep -qE '^[0-9]{1,9}\.[0-9]{1,9}([.+-]|$)' ||
    [ "${version#0.0.0}" != "$version" ]; then
    warns "the version of Ollama is unknown: '$version'" "install a release, $OLDEST_OLLAMA to $NEWEST_OLLAMA"
  elif ! at_least "$version" $OLDEST_OLLAMA; then
    warns "Ollama $version is older than $OLDEST_OLLAMA: it may cut long prompts, or not say which models can chat" \
      "update Ollama"
  elif ! at_least $NEWEST_OLLAMA "$version"; then
    warns "Ollama $version is untested, $NEWEST_OLLAMA is the newest tested" \
      "update local-llm-server, or install Ollama $NEWEST_OLLAMA"
  else
    passes "Ollama $version answers containers at $2"
  fi
}

ask_from_container() {
  local address=${1#*://} host=
  case $address in *:*) ;; *) address=$address:80 ;; esac
  [ "$(uname)" != Linux ] || host=host.docker.internal:host-gateway
  # shellcheck disable=SC2016 # the shell in the container expands it
  within 20 docker run --rm --init --pull never ${host:+--add-host "$host"} --entrypoint bash \
    "$(setting PROXY_IMAGE "$DEFAULT_PROXY_IMAGE")" -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}" &&
      printf "GET /api/version HTTP/1.0\r\nHost: %s\r\n\r\n" "$1" >&3 && cat <&3' - "$address"
}

preflight_gpu() {
  local settings
  settings=$(live_settings "$environment")
  if [ -z "$settings" ]; then passes "this environment does not use the GPU yet"; return; fi
  check_gpu "$settings" && passes "the environments agree on models and NUM_CTX"
}

preflight_tool() {
  command -v curl >/dev/null || { fails "no curl" "install curl"; return; }
  passes "llm-deploy at $root"
}
