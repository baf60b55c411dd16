# shellcheck shell=dash
# Commands to the Docker engine.

DOCKER_SECONDS=90 # more than the stop_grace_period
COMPOSE_SECONDS=180
PULL_SECONDS=900

# docker ARGUMENTS...: replaces the command of that name, so that every call to a hanging engine times out. Calls with
# another limit use within, which can't run functions.
docker() { within $DOCKER_SECONDS docker "$@"; }

# is_none COMMAND...: the engine answers with an empty list. If it is down or hangs, COMMAND fails, and so does this.
is_none() {
  local list
  list=$("$@" 2>/dev/null) && [ -z "$list" ]
}

# pull IMAGE: by digest. The credentials are in a folder of their own, removed afterwards: macOS' login keychain is not
# available over ssh.
pull() {
  local config host code=0
  host=${DOCKER_HOST:-$(docker context inspect -f '{{.Endpoints.docker.Host}}')} || return 1
  config=$(private_folder)/docker && mkdir -p "$config" || return 1
  if [ -n "$registry_user" ]; then
    # Standard input as descriptor 3, since within closes it.
    # shellcheck disable=SC2016 # the inner shell expands it
    printf '%s' "$registry_token" |
      within $DOCKER_SECONDS env DOCKER_CONFIG="$config" DOCKER_HOST="$host" \
        sh -c 'exec docker login -u "$1" --password-stdin "$2" <&3 >/dev/null 2>&1' - \
        "$registry_user" "${1%%/*}" 3<&0 || code=$?
    case $code in
      0) ;;
      "$LATE") say "the registry ${1%%/*} does not answer a login" ;;
      *) say "the registry ${1%%/*} refuses the credentials" ;;
    esac
    [ $code -eq 0 ] || { rm -rf "$config"; return 1; }
  fi
  within $PULL_SECONDS env DOCKER_CONFIG="$config" DOCKER_HOST="$host" docker pull -q "$1" >/dev/null || code=1
  rm -rf "$config"
  return $code
}

# NAME:TAG@DIGEST is the same image as NAME@DIGEST.
untagged() { sed 's/:[^:/@]*@/@/'; }

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

revision_of() { docker image inspect -f '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$1"; }

# copy_from_image IMAGE PATH TARGET
copy_from_image() {
  local id code=0
  id=$(docker create --pull never "$1") || return 1
  docker cp -q "$id:$2" "$3" || code=1
  docker rm -v "$id" >/dev/null
  return $code
}

await_engine() {
  local left=60
  until within 5 docker version >/dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 1
  done
}

# compose_server SLOT RELEASE ARGUMENTS...
compose_server() {
  local slot=$1 release
  release=$(release_folder "$2")
  shift 2
  [ "$(uname)" != Linux ] || set -- -f "$release/compose/linux.yaml" "$@"
  within $COMPOSE_SECONDS env SLOT="$slot" SLOT_HOST="$(slot_host "$slot")" docker compose --progress quiet \
    --env-file "$release/compose/$environment.env" --env-file "$release/release.env" \
    -f "$release/compose/server.yaml" "$@"
}

# start_server SLOT RELEASE --force-recreate|--no-recreate
start_server() { compose_server "$1" "$2" up -d --no-build --pull never --remove-orphans "$3"; }

# stop_server SLOT: running responses may finish.
stop_server() {
  is_gone "$(container "$1")" || {
    waits_for "its last responses"
    docker stop "$(container "$1")" >/dev/null
  }
}

remove_server() { stop_server "$1" && { is_gone "$(container "$1")" || docker rm "$(container "$1")" >/dev/null; }; }

is_gone() { is_none docker container ls -aq --filter "name=^$1\$"; }

is_down() { is_none docker container ls -q --filter "name=^$1\$"; }

is_running() { [ "$(docker container inspect -f '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }

label_of() { docker container inspect -f "{{index .Config.Labels \"dev.localllm.$2\"}}" "$1" 2>/dev/null; }

# logs_of SLOT LINES RELEASE: the end of its container's log, without the release's secrets.
logs_of() {
  docker logs --tail "${2:-20}" "$(container "$1")" 2>&1 |
    redact "$(release_folder "$3")/env" |
    tr -d '\000-\010\013-\037\177'
}

# redact FILE: replaces a settings file's secrets by their names, longer values first, as they may contain shorter
# ones. A setting is secret unless the manifest calls it a variable. Values under 6 bytes are not replaced: they would
# match too much. Prints nothing if FILE can't be read.
redact() {
  [ -r "$1" ] || return 1
  awk -v public="$(public_settings | tr '\n' ' ')" '
    function redacted(text, from,   at) {
      if (from > count) return text
      at = index(text, values[from])
      if (!at) return redacted(text, from + 1)
      return redacted(substr(text, 1, at - 1), from + 1) "<" names[from] ">" \
        redacted(substr(text, at + length(values[from])), from)
    }
    FILENAME == ARGV[1] {
      at = index($0, "=")
      value = substr($0, at + 1)
      if (/^[#]/ || !at || length(value) < 6 || index(" " public, " " substr($0, 1, at - 1) " ")) next
      for (i = ++count; i > 1 && length(values[i - 1]) < length(value); i--) {
        values[i] = values[i - 1]
        names[i] = names[i - 1]
      }
      values[i] = value
      names[i] = substr($0, 1, at - 1)
      next
    }
    { print redacted($0, 1) }' "$1" -
}
