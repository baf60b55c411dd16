# shellcheck shell=dash
# Parses the command line and runs the verb (verbs.sh).
#
# Variables that any function may read. All others are arguments, or named in the comment above the function:
#   $root                                   the tool's checkout
#   $environment, $folder, $port            of environment.sh
#   $actor                                  named in the history and as the lock's holder
#   $caller                                 pipeline or operator
#   $registry_user, $registry_token         for the pull of an image; empty for none
# and, each of them only in its own file: $running (output.sh), $progress (progress.sh).

caller=operator

main() {
  local verb=${1:---help} by state takes word='' built_from='' promoted_as='' env_file='' reason='' json='' write=''
  folder='' registry_user='' registry_token='' running=''
  actor=$(plain "$(id -un)")
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap '' HUP PIPE # a lost connection does not end a run
  case $verb in -h | --help | help) usage; return ;; esac
  shift
  case ${1:-} in -h | --help) usage "$verb"; return ;; esac
  case $verb in
    ssh-entry) use_environment "${1:-}"; ssh_entry "$environment"; return ;;
    approve) approve "$@"; return ;;
    install-agent) install_agent; return ;;
    remove-agent) remove_agent; return ;;
    status)
      case " $* " in *' --watch '*) watch_status "$@"; return ;; esac
      case "${1:-} ${2:-}" in -*' '[!-]*) set -- "$2" "$1" ;; esac
      case ${1:-} in '' | -*) in_each_environment status "$@"; return ;; esac
      ;;
    reconcile) if [ $# -eq 0 ]; then in_each_environment reconcile; return; fi ;;
  esac
  find_verb "$verb" || misuse "no such verb: $verb (see llm-deploy --help)"
  use_environment "${1:-}"
  shift
  parse "$verb" "$takes" "$@"
  check_arguments "$takes"
  [ "$state" != valid ] || require_state
  run_verb "$verb"
}

# parse VERB TAKES ARGUMENTS...: the arguments after the environment, into $word, $built_from, $promoted_as, $env_file,
# $reason, $json and $write of main; into $actor and $registry_user.
parse() {
  local verb=$1 takes=$2
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      -*)
        case " $takes " in
          *" $1= "*)
            [ $# -ge 2 ] || misuse "$1: no value"
            set_option "$1" "$2"
            shift
            ;;
          *" $1 "*) set_option "$1" yes ;;
          *) misuse "no such option: $1 (see llm-deploy $verb --help)" ;;
        esac
        ;;
      *)
        [ -z "$word" ] || misuse "unexpected argument: $1"
        word=$1
        ;;
    esac
    shift
  done
}

# set_option NAME VALUE: into the variables that parse names. $verb is that of parse.
set_option() {
  case $1 in
    --built-from) built_from=$(revision "$1" "$2") ;;
    --promoted-as) promoted_as=$(revision "$1" "$2") ;;
    --env-file) env_file=$2 ;;
    --registry-user) registry_user=$2 ;;
    --actor) actor=$(plain "$2") ;;
    --reason) reason=$(plain "$2") ;;
    --json) json=$2 ;;
    --write) write=$2 ;;
    *) misuse "no such option: $1 (see llm-deploy $verb --help)" ;;
  esac
}

# check_arguments TAKES: refuses invalid $word, $built_from and $env_file before anything is done.
check_arguments() {
  case $1 in
    IMAGE*)
      word=$(image_by_digest "$word")
      [ -n "$built_from" ] || misuse "--built-from is missing (expected: the commit that the image was built from)"
      [ -n "$env_file" ] || misuse "--env-file is missing (expected: a file, or - for standard input)"
      [ "$env_file" = - ] || { [ -f "$env_file" ] && [ -r "$env_file" ]; } ||
        misuse "--env-file: '$env_file' can't be read"
      ;;
    LINES*) case $word in *[!0-9]*) misuse "lines: '$(plain "$word")' (expected: a whole number)" ;; esac ;;
    RELEASE*) ;;
    *) [ -z "$word" ] || misuse "unexpected argument: $word" ;;
  esac
  strategy >/dev/null
  check_metrics_port
  number_setting DRAIN_TIMEOUT 0 >/dev/null
  number_setting KEEP_RELEASES 0 >/dev/null
  number_setting LOCK_WAIT 0 >/dev/null
}

# revision OPTION VALUE
revision() {
  one_line "$2" | grep -xE '[0-9a-f]{40}' || misuse "$1: '$(plain "$2")' (expected: 40 hex digits)"
}

image_by_digest() {
  local repository
  one_line "$1" | grep -xE '[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}' ||
    misuse "image: '$(plain "$1")' (expected: NAME@sha256:… with 64 hex digits)"
  repository=$(setting IMAGE_REPOSITORY '')
  [ -z "$repository" ] || [ "$(printf '%s\n' "$1" | untagged)" = "$repository@${1#*@}" ] ||
    misuse "image: '$1' (expected: one of IMAGE_REPOSITORY, $repository)"
}

# Prints nothing for several lines: grep would match any of them.
one_line() { [ "$(printf '%s\n' "$1" | wc -l)" -ne 1 ] || printf '%s\n' "$1"; }

# in_each_environment VERB ARGUMENTS...: one process each, as each has its own lock. Returns the highest exit code.
in_each_environment() {
  local code=0 each its_code verb=$1
  shift
  for each in $ENVIRONMENTS; do
    its_code=0
    "$root/bin/llm-deploy" "$verb" "$each" "$@" || its_code=$?
    [ $its_code -le $code ] || code=$its_code
  done
  return $code
}

# show_logs LINES
show_logs() {
  [ -n "$(state current)" ] || refuse "nothing was ever deployed to $environment"
  logs_of "$(state slot)" "$1" "$(state current)"
}

clean_up() {
  set +e
  end_running
  end_progress
  [ -z "$folder" ] || { rm -rf "$folder/run.$$" "$folder/lock/new.$$"; release_lock; }
}
