# shellcheck shell=dash
# The forced command for the pipeline's key of one environment (restrict,command="…/llm-deploy ssh-entry staging" in
# authorized_keys). The client's command is split at blanks and never read by a shell. Every argument has a known form.

# ssh_entry ENVIRONMENT
ssh_entry() {
  local word last='' own=$1
  set -f
  # shellcheck disable=SC2086 # split, not expanded
  set -- ${SSH_ORIGINAL_COMMAND:-}
  set +f
  case " $(verbs_of pipeline) " in
    *" ${1:-nothing} "*) ;;
    *) misuse "this key may not do '${1:-nothing}' (it may: $(verbs_of pipeline))" ;;
  esac
  for word; do
    case $word in
      *[!A-Za-z0-9._:/@+-]*) misuse "this key may not use '$(printf '%s' "$word" | tr -dc 'A-Za-z0-9._:/@+-')'" ;;
    esac
    [ "$last" != --env-file ] || [ "$word" = - ] ||
      misuse "this key may not name a file: '$word' (expected: --env-file -)"
    last=$word
  done
  # Anyone who can push to staging can use its key, without approval.
  [ "${2:-}" = "$own" ] || misuse "this key may not act on '${2:-}' (it may: $own)"
  caller=pipeline
  main "$@"
}
