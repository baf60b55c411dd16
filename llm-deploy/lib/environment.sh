# shellcheck shell=dash
# An environment: names, folder and files.
#
#   $LLM_DEPLOY_HOME/settings           the tool's settings: lines NAME=value
#   $LLM_DEPLOY_HOME/approved           hashes of approved compose files (approve.sh)
#   $LLM_DEPLOY_HOME/ENVIRONMENT/
#     state                             the recorded state (state.sh)
#     releases/N/                       image, settings and compose files of a release; immutable
#     candidate/                        a release that is not live yet (release.sh)
#     proxy/                            what the proxy reads
#     history                           one line of JSON for each deploy, stop and so on (history.sh)
#     lock/N                            the lock (lock.sh)
#     liveness                          what reconcile saw of the server (liveness.sh)
#     run.PID/                          temporary files of a run

LLM_DEPLOY_HOME=${LLM_DEPLOY_HOME:-$HOME/local-llm-server}
ENVIRONMENTS="production staging" # in this order: production does not wait for staging

# use_environment NAME: sets $environment, $folder and $port.
use_environment() {
  case ${1:-} in
    staging | production) ;;
    *) misuse "environment: '${1:-}' (expected: staging or production)" ;;
  esac
  environment=$1
  folder=$LLM_DEPLOY_HOME/$environment
  port=$(value_of PORT "$root/compose/$environment.env")
  mkdir -p "$folder/releases" || refuse "$folder can't be made"
}

# private_folder: for secrets. Removed when this run ends or, if it is killed, when the next one begins.
private_folder() { mkdir -p "$folder/run.$$" && printf '%s\n' "$folder/run.$$"; }

# value_of NAME FILE: the value in a file of lines NAME=value; nothing if there is none.
value_of() {
  local line
  [ -f "$2" ] || return 0
  # Without a subprocess: a deploy calls this some hundred times.
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in "$1="*) printf '%s\n' "${line#*=}"; return ;; esac
  done <"$2" || : # an unreadable file has no values
}

# setting NAME DEFAULT: the environment variable, else the value in $LLM_DEPLOY_HOME/settings.
setting() {
  local value
  eval "value=\${$1:-}"
  [ -n "$value" ] || value=$(value_of "$1" "$LLM_DEPLOY_HOME/settings")
  printf '%s\n' "${value:-$2}"
}

# metrics_port [ENVIRONMENT]: where its metrics are published, on 127.0.0.1.
metrics_port() {
  if [ "${1:-$environment}" = staging ]; then setting METRICS_PORT_STAGING 9001; else
    setting METRICS_PORT_PRODUCTION 9000
  fi
}

metrics_port_name() {
  if [ "$environment" = staging ]; then echo METRICS_PORT_STAGING; else echo METRICS_PORT_PRODUCTION; fi
}

# check_metrics_port: no other port of the two environments.
check_metrics_port() {
  local name given each
  name=$(metrics_port_name)
  given=$(number_setting "$name" "$(metrics_port)")
  [ "$given" -ge 1 ] && [ "$given" -le 65535 ] || misuse "$name: '$given' (expected: a port, 1 to 65535)"
  for each in $ENVIRONMENTS; do
    [ "$given" != "$(value_of PORT "$root/compose/$each.env")" ] ||
      misuse "$name: '$given' (expected: another port than the API of $each has)"
    [ "$each" = "$environment" ] || [ "$given" != "$(metrics_port "$each")" ] ||
      misuse "$name: '$given' (expected: another port than the metrics of $each have)"
  done
}

number_setting() {
  local value
  value=$(setting "$1" "$2")
  # A leading zero would make it octal.
  case $value in '' | *[!0-9]* | 0?* | ??????????*) misuse "$1: '$value' (expected: a whole number)" ;; esac
  printf '%s\n' "$value"
}

strategy() {
  local value
  value=$(setting DEPLOY_STRATEGY bluegreen)
  case $value in
    bluegreen | recreate) printf '%s\n' "$value" ;;
    *) misuse "DEPLOY_STRATEGY: '$value' (expected: bluegreen or recreate)" ;;
  esac
}

other_slot() { if [ "$1" = blue ]; then echo green; else echo blue; fi; }

slot_host() { if [ "$1" = blue ]; then echo 11; else echo 12; fi; }

container() { printf 'llm-%s-%s\n' "$environment" "$1"; }
