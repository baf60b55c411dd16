# shellcheck shell=dash
# Which verbs there are. What they tell of themselves is in usage.sh.

# A line for each verb that is about one environment:
#   by      who may use it: the pipeline's key as well, or the operator only
#   state   whole, if the verb is refused without a whole state (state.sh); else -
#   takes   what may follow the environment: a word, in capitals, and options; those that end with = take a value
VERBS='
verb           by        state  takes
preflight      pipeline  -
plan           pipeline  whole  IMAGE --built-from= --promoted-as= --env-file= --registry-user= --actor=
deploy         pipeline  -      IMAGE --built-from= --promoted-as= --env-file= --registry-user= --actor=
rollback       pipeline  whole  RELEASE --registry-user= --actor=
status         pipeline  -      --json --watch
history        pipeline  -
logs           operator  whole  LINES
stop           operator  whole
start          operator  whole
reconcile      operator  whole
recover        operator  -      RELEASE --write
lock           operator  -      --reason=
unlock         pipeline  -
prune          operator  whole
restart-proxy  operator  whole
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

# verbs_of pipeline: those that its key may use, on one line.
verbs_of() { printf '%s\n' "$VERBS" | awk -v by="$1" '$2 == by { print $1 }' | paste -s -d ' ' -; }

# run_verb VERB: for $environment, with what main has understood.
run_verb() {
  case $1 in
    preflight) preflight ;;
    plan) plan ;;
    deploy) deploy ;;
    rollback) rollback ;;
    status) status ;;
    history) show_history ;;
    logs) show_logs ;;
    stop) stop_environment ;;
    start) start_environment ;;
    reconcile) reconcile_environment ;;
    recover) recover ;;
    lock) lock ;;
    unlock) unlock ;;
    prune) prune ;;
    restart-proxy) restart_proxy ;;
    *) die 1 "no such verb: $1" ;;
  esac
}
