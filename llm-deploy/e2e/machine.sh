# shellcheck shell=bash
# Sourced by the tests beside it, in the repository's root: starts a Docker engine, an image registry, an sshd and an
# Ollama (the simulator) for the test, and ends them with it. Needs root on Linux; on Debian 12 installs missing
# packages. $E2E_SEED is a folder made by e2e/seed, with prebuilt images.
. .ci/lib.sh

OLLAMA_PORT=21434
REGISTRY_PORT=25000
work=$(mktemp -d)
export DOCKER_HOST=unix://$work/engine.sock DOCKER_CONFIG=$work/config
# A failing command that is not a check ends the test.
ended_by=
set -E
trap 'ended_by="line $LINENO: $BASH_COMMAND"' ERR
trap '[ $? -eq 0 ] || echo "NOT OK: ended by ${ended_by:-a signal}"; end_machine' EXIT

part() { echo "== $1 ($SECONDS s)"; }

# await SECONDS COMMAND...: until the command succeeds.
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "gave up on: $*"; return 1; }
    sleep 0.1
  done
}

millis() { echo $(($(date +%s%N) / 1000000)); }

jdk() { find /usr/lib/jvm -maxdepth 1 -name '*25*' | head -1; }

install_tools() {
  local tool
  for tool in dockerd docker-registry socat mmdebstrap htpasswd jq inotifywait /usr/sbin/sshd; do
    command -v $tool >/dev/null || llm-deploy/e2e/install-engine
  done
  docker compose version >/dev/null && docker buildx version >/dev/null
}

install_node_modules() { [ -d .ci/workflows/node_modules ] || npm ci --silent --ignore-scripts --prefix .ci/workflows; }

start_engine() {
  # An engine never changes an existing layer, so hard links are enough; it changes its other files, so they are copied.
  if [ ! -d "$work/data" ] && [ -n "${E2E_SEED:-}" ]; then
    mkdir "$work/data"
    cp -al "$E2E_SEED/data/overlay2" "$work/data/"
    find "$E2E_SEED/data" -mindepth 1 -maxdepth 1 ! -name overlay2 -exec cp -a -t "$work/data" {} +
    cp -a "$E2E_SEED/registry" "$work/"
  fi
  setsid -f dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/engine.pid" \
    -H "$DOCKER_HOST" >>"$work/engine.log" 2>&1 </dev/null
  await 120 docker version
}

# Whether no process of the engine runs.
engine_is_dead() { ! pgrep -f "$work/exec"; }

# A power cut: kills the engine and all its processes at once.
cut_power() {
  local pids
  pids=$(docker ps -q | xargs -r docker inspect -f '{{.State.Pid}}')
  # shellcheck disable=SC2086,SC2046
  kill -9 $(cat "$work/engine.pid") $(pgrep -f "$work/exec") $pids 2>/dev/null || true
  await 120 engine_is_dead
  rm -f "$work/engine.pid"
}

# Kills the engine alone; its containers may continue or not.
kill_engine() {
  kill -9 "$(cat "$work/engine.pid")"
  await 120 sh -c "! docker version"
  rm -f "$work/engine.pid"
}

# The engine of Debian 12, which is too old. Cached like the base images.
old_engine() {
  local kept=${BASE_IMAGES_CACHE:-/var/cache/llm-base-images}/old-engine
  if [ ! -d "$kept" ]; then
    (cd "$work" && apt-get download -qq docker.io/bookworm 2>/dev/null && dpkg -x docker.io_*.deb old)
    mkdir -p "${kept%/*}"
    mv "$work/old" "$kept"
  fi
  echo "$kept/usr/sbin/dockerd"
}

# The server's jar, built if missing.
server_jar() {
  local jar=llm-api/target/llm-api-0.1.0-SNAPSHOT.jar
  [ -f $jar ] || ./mvnw -B -q -DskipTests -pl llm-api -am package >&2
  echo $jar
}

# start_ollama JAR PORT: the simulator as the host's Ollama. Its flags save CPU for the tested server.
start_ollama() {
  APP_ENV=local OLLAMA_BASE_URL=embedded SERVER_PORT=0 MANAGEMENT_PORT=0 \
    "$(jdk)/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -jar "$1" >"$work/ollama.log" 2>&1 &
  echo $! >"$work/ollama.pid"
  await 120 grep -q 'simulator:latest at' "$work/ollama.log"
  local port
  port=$(sed -n 's/.*simulator:latest at http:..127.0.0.1:\([0-9]*\).*/\1/p' "$work/ollama.log")
  socat "TCP-LISTEN:$2,fork,reuseaddr" "TCP:127.0.0.1:$port" 2>"$work/socat.log" &
  echo $! >"$work/socat.pid"
}

# start_registry [LINES]: with more of its configuration.
start_registry() {
  cat >"$work/registry.yml" <<CONFIG
version: 0.1
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$REGISTRY_PORT"}
${1:-}
CONFIG
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  echo $! >"$work/registry.pid"
  await 120 curl -s "http://127.0.0.1:$REGISTRY_PORT/v2/"
}

# sshd with a key per environment, restricted by ssh-entry.
SSH_PORT=20022
start_sshd() {
  mkdir -p /run/sshd
  ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
  let_in staging "ssh-entry staging"
  let_in production "ssh-entry production"
  cat >"$work/sshd_config" <<CONFIG
Port $SSH_PORT
ListenAddress 127.0.0.1
HostKey $work/host_key
AuthorizedKeysFile $work/authorized_keys
PidFile $work/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
CONFIG
  /usr/sbin/sshd -f "$work/sshd_config" -E "$work/sshd.log"
  echo "macmini $(cat "$work/host_key.pub")" >"$work/known_hosts"
}

# let_in KEY VERB: makes a key that may run that verb.
let_in() {
  ssh-keygen -q -t ed25519 -N '' -f "$work/$1.key"
  local environment="PATH=$work/bin:\$PATH DOCKER_HOST=$DOCKER_HOST LLM_DEPLOY_HOME=$LLM_DEPLOY_HOME"
  local command="env $environment $checkout/bin/llm-deploy $2"
  echo "restrict,command=\"$command\" $(cat "$work/$1.key.pub")" >>"$work/authorized_keys"
}

mac() { with_key staging "$@"; }

# with_key KEY WORDS...
with_key() {
  ssh -F /dev/null -p $SSH_PORT -i "$work/$1.key" -o IdentitiesOnly=yes \
    -o UserKnownHostsFile="$work/known_hosts" -o GlobalKnownHostsFile=/dev/null \
    -o HostKeyAlias=macmini -o StrictHostKeyChecking=yes -o LogLevel=ERROR 127.0.0.1 "${@:2}"
}

# start_private_registry USER PASSWORD
start_private_registry() {
  printf '%s' "$2" | htpasswd -iBc "$work/htpasswd" "$1" 2>/dev/null
  start_registry "auth: {htpasswd: {realm: r, path: $work/htpasswd}}"
  printf '%s' "$2" | docker login -u "$1" --password-stdin "127.0.0.1:$REGISTRY_PORT" >/dev/null 2>&1
}

# build_image JAR REVISION: pushes it, and prints its name with its digest.
build_image() {
  local name=127.0.0.1:$REGISTRY_PORT/local-llm-server:sha-$2
  mkdir -p "$work/jar" && cp "$1" "$work/jar/"
  docker build -q -f llm-deploy/Dockerfile --build-context "build=$work/jar" --build-arg "APP_REVISION=$2" \
    -t "$name" . >/dev/null
  docker push -q "$name" >/dev/null
  docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$name" |
    grep "^127.0.0.1:$REGISTRY_PORT/" |
    head -1
}

# The machine's checkout of the tool, with a secret added to its manifest.
export LLM_DEPLOY_HOME=$work/home
checkout=$work/tool/llm-deploy
mkdir -p "$checkout"
cp -R llm-deploy/bin llm-deploy/compose llm-deploy/env llm-deploy/lib llm-deploy/proxy "$checkout"
echo 'API_KEY | secret | server | none | | | a secret' >>"$checkout/env/manifest.csv"
tool() { PATH=$work/bin:$PATH "$checkout/bin/llm-deploy" "$@"; }
port() { if [ "$1" = staging ]; then echo 8001; else echo 8000; fi; }
url() { echo "http://127.0.0.1:$(port "$1")$2"; }
live() { echo "llm-$1-$(sed -n 's/^slot=//p' "$LLM_DEPLOY_HOME/$1/state")"; }

# settings ENVIRONMENT NAME=VALUE...: as the pipeline renders them; the last value of a name counts.
settings() (
  local env=$1 pair
  shift
  for pair in "OLLAMA_BASE_URL=http://host.docker.internal:$OLLAMA_PORT" MODEL_NAME=simulator RATE_LIMIT_RPM=0 \
    OLLAMA_NUM_PARALLEL=1000 "ALLOWED_ORIGINS=https://$env.example.com" "$@"; do
    export "SETTING_$pair"
  done
  "$checkout/bin/render-env" "$env" -
)

# lock_owner ENVIRONMENT: the file of the present or the last holder.
lock_owner() {
  local folder=$LLM_DEPLOY_HOME/$1/lock
  # shellcheck disable=SC2010 # names are digits
  printf '%s/%s\n' "$folder" "$(ls "$folder" 2>/dev/null | grep -x '[0-9]*' | sort -n | tail -1 | grep . || echo 0)"
}
is_locked() { [ -s "$(lock_owner "$1")" ]; }
is_unlocked() { ! is_locked "$1"; }

# hang ENVIRONMENT: its server accepts connections, but no requests; running responses continue.
hang() {
  nsenter -t "$(docker inspect -f '{{.State.Pid}}' "$(live "$1")")" -n \
    iptables -A INPUT -p tcp --dport 8000 -m length --length 70:65535 -j DROP
}

# deploy ENVIRONMENT IMAGE REVISION SETTINGS_FILE [OPTIONS...]
deploy() { tool deploy "$1" "$2" --built-from "$3" --env-file "$4" "${@:5}"; }

# While a file "hasty" exists, the tool's waits of 2, 4, 8 and 16 s between health checks are a quarter as long.
mkdir "$work/bin"
cat >"$work/bin/sleep" <<SCRIPT
#!/bin/sh
if [ -e "$work/hasty" ]; then
  case \$1 in 2 | 4 | 8 | 16) set -- "\$((\$1 / 4)).\$((\$1 % 4 * 25))" ;; esac
fi
exec /bin/sleep "\$@"
SCRIPT
chmod +x "$work/bin/sleep"

# hasty COMMAND...: for a COMMAND with a deploy that can't become healthy.
hasty() {
  local code=0
  touch "$work/hasty"
  "$@" || code=$?
  rm "$work/hasty"
  return $code
}

# fails_with CODE COMMAND...
fails_with() {
  local code=0
  "${@:2}" || code=$?
  [ $code -eq "$1" ] || { echo "exit code $code"; return 1; }
}

end_machine() {
  docker ps -aq 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1 || true
  docker network prune -f >/dev/null 2>&1 || true
  local file
  for file in "$work"/*.pid; do [ ! -f "$file" ] || kill "$(cat "$file")" 2>/dev/null || true; done
  await 20 engine_is_dead || pkill -9 -f "$work/exec" || true
  umount -l "$work"/mount "$LLM_DEPLOY_HOME" "$work"/exec/netns/* "$work"/data/overlay2/*/merged "$work/data" \
    2>/dev/null || true
  rm -rf "$work" || true
}
