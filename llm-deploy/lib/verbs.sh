# shellcheck shell=dash
# The verbs. Their help is in usage.sh.

# A line for each verb that is about one environment:
#   by      pipeline: its keys may use it too; operator: only the operator
#   state   valid, if the verb needs a valid state (state.sh); else -
#   takes   what may follow the environment: a word, in capitals, and options; those that end with = take a value
VERBS='
verb           by        state  takes
preflight      pipeline  -
plan           pipeline  valid  IMAGE --built-from= --promoted-as= --env-file= --registry-user= --actor=
deploy         pipeline  -      IMAGE --built-from= --promoted-as= --env-file= --registry-user= --actor=
rollback       pipeline  valid  RELEASE --registry-user= --actor=
status         pipeline  -      --json --watch
history        pipeline  -
logs           operator  valid  LINES
stop           operator  valid
start          operator  valid
reconcile      operator  valid
recover        operator  -      RELEASE --write
lock           operator  -      --reason=
unlock         pipeline  -
prune          operator  valid
restart-proxy  operator  valid
'

# find_verb VERB: into $by, $state and $takes of the caller. Fails if there is none of that name.
find_verb() {
  local name
  while read -r name by state takes; do
    [ "$name" != "$1" ] || [ "$name" = verb ] || [ -z "$name" ] || return 0
  done <<LINES
$VERBS
LINES
  return 1
}

# verbs_of BY: the verbs with that value, on one line.
verbs_of() { printf '%s\n' "$VERBS" | awk -v by="$1" '$2 == by { print $1 }' | paste -s -d ' ' -; }

# run_verb VERB: for $environment, with the arguments of main: $word, $built_from, $promoted_as, $env_file, $reason,
# $json, $write.
run_verb() {
  case $1 in
    preflight) preflight ;;
    plan) plan "$word" "$built_from" "$env_file" ;;
    deploy) deploy "$word" "$built_from" "${promoted_as:-$built_from}" "$env_file" ;;
    rollback) rollback "$word" ;;
    status) status "$json" ;;
    history) show_history ;;
    logs) show_logs "${word:-100}" ;;
    stop) stop_environment ;;
    start) start_environment ;;
    reconcile) reconcile_environment ;;
    recover) recover "$word" "$write" ;;
    lock) lock "${reason:-by hand}" ;;
    unlock) unlock ;;
    prune) prune ;;
    restart-proxy) restart_proxy ;;
    *) die 1 "no such verb: $1" ;;
  esac
}
