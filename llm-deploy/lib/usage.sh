# shellcheck shell=dash

usage() {
  case ${1:-} in
    preflight) cat <<'TEXT'
llm-deploy preflight ENVIRONMENT
  Looks whether this machine can run the environment: engine, Compose, restarts, folder, disk, clock, port, Ollama, GPU.
  One line each: ok, warning or fail, with the cure. Exit code 3 if something fails.
TEXT
      ;;
    plan | deploy) cat <<'TEXT'
llm-deploy plan   ENVIRONMENT IMAGE@DIGEST --built-from SHA [--promoted-as SHA] --env-file -
llm-deploy deploy ENVIRONMENT IMAGE@DIGEST --built-from SHA [--promoted-as SHA] --env-file -
                  [--registry-user NAME] [--actor NAME]
  plan says what deploy would do and touches nothing. deploy makes the image live, or leaves what is live as it is. Both
  warn of another model than in other environments, and of another default of CLIENT_ID_HEADER. Settings that this
  machine's manifest does not have are refused, and so are compose files of the image that are not approved here
  (llm-deploy approve). On a terminal deploy and rollback tell how long a step runs, and what it waits for.
  --built-from SHA      the commit that the image was built from, 40 hex digits: the image's label and the running
                        server must both say the same
  --promoted-as SHA     the commit under which it was promoted, if it is another one
  --env-file FILE       the settings as render-env writes them; - for standard input
  --registry-user NAME  log in to the registry for the pull; the first line of standard input is then the token
  --actor NAME          who is named in the history (default: the user)
TEXT
      ;;
    rollback) cat <<'TEXT'
llm-deploy rollback ENVIRONMENT [RELEASE|SHA] [--registry-user NAME] [--actor NAME]
  Makes a release live that was live before: its image, settings and compose files. Without argument the one before the
  current; else a number, or the beginning of one of its revisions. It stays until the next deploy.
TEXT
      ;;
    status) cat <<'TEXT'
llm-deploy status [ENVIRONMENT] [--json] [--watch]
  How it stands: release, revisions, image, health, lock. Exit code 1 with lines DRIFT where what runs is not what was
  deployed; 5 with a line NO ANSWER if it is to run and its port does not answer /health with the right revision. Of
  several environments the highest code counts.
  --json    one line of JSON for each environment, instead of words
  --watch   again every 2 s, until it is interrupted
TEXT
      ;;
    history) cat <<'TEXT'
llm-deploy history ENVIRONMENT
  One line of JSON for each deploy, rollback, stop, start, and restart by reconcile: number, at, kind, actor, outcome,
  seconds, built_from, promoted_as, image.
TEXT
      ;;
    logs) cat <<'TEXT'
llm-deploy logs ENVIRONMENT [LINES]
  The end of the server's log (default: 100 lines), with the names of secrets in place of their values.
TEXT
      ;;
    start | stop) cat <<'TEXT'
llm-deploy stop ENVIRONMENT
llm-deploy start ENVIRONMENT
  stop lets running answers finish and ends the environment. It stays down through reboots and reconcile until start or
  a deploy.
TEXT
      ;;
    reconcile) cat <<'TEXT'
llm-deploy reconcile [ENVIRONMENT]
  Puts back what should run and doesn't; leaves alone what was stopped on purpose, and what is locked. Silent if all is
  well. A server that does not answer /health through the port, or that Docker calls unhealthy, three times in a row, is
  restarted: not while answers flow through it, and at most three times an hour; looks within 30 s are one. The stacks
  of its threads are then in its log.
TEXT
      ;;
    recover) cat <<'TEXT'
llm-deploy recover ENVIRONMENT [RELEASE|SHA] [--write]
  For a state that is missing, empty or not whole: shows what it must have been, from the labels of the containers and
  the releases that are kept, and writes it with --write. RELEASE names another one than the one that is found. Refused
  (3) if a server runs that the next verb would then stop.
TEXT
      ;;
    approve) cat <<'TEXT'
llm-deploy approve SHA256
  Lets releases bring other compose files than those of the tool: their hash, as a refused deploy told it. They decide
  what containers may do on this machine, so read the difference first. The pipeline's keys can't do this.
TEXT
      ;;
    restart-proxy) cat <<'TEXT'
llm-deploy restart-proxy ENVIRONMENT
  Restarts the proxy with its present configuration. Answers that run for more than 40 s after that are cut off.
TEXT
      ;;
    lock | unlock) cat <<'TEXT'
llm-deploy lock ENVIRONMENT [--reason TEXT]
llm-deploy unlock ENVIRONMENT
  lock keeps deploys away until unlock. unlock also clears the lock of a run that has ended, but never that of one at
  work. The pipeline's keys can't unlock what was locked by hand.
TEXT
      ;;
    prune) cat <<'TEXT'
llm-deploy prune ENVIRONMENT
  Removes releases beyond the current, the one before and, besides them, KEEP_RELEASES (5), and images of ours that no
  release needs; each is listed before it is removed.
TEXT
      ;;
    ssh-entry) cat <<'TEXT'
llm-deploy ssh-entry ENVIRONMENT
  For authorized_keys: restrict,command="…/llm-deploy ssh-entry staging" before the pipeline's key for staging. Does
  what the ssh client asks for if it is preflight, plan, deploy, rollback, status, history or unlock of that
  environment, with arguments of a known form.
TEXT
      ;;
    install-agent | remove-agent) cat <<'TEXT'
llm-deploy install-agent
llm-deploy remove-agent
  The LaunchAgent that calls reconcile at login and every minute (macOS).
TEXT
      ;;
    *) cat <<'TEXT'
llm-deploy VERB [ENVIRONMENT] …      ENVIRONMENT is staging or production; llm-deploy VERB --help tells more

  preflight       can this machine run it
  plan            what a deploy would do
  deploy          make an image live
  rollback        make live again what was live before
  status          how it stands, and drift
  history         what was done
  logs            the end of the server's log
  stop, start     on purpose, and remembered
  reconcile       put back what should run
  recover         a lost state
  approve         compose files that a release may bring
  lock, unlock    keep deploys away
  prune           remove what is no longer needed
  restart-proxy   after a change of its configuration
  install-agent, remove-agent     reconcile by launchd
  ssh-entry       for the forced command of the pipeline's keys

Settings of the tool, in the environment or in $LLM_DEPLOY_HOME/settings: BIND_ADDRESS (127.0.0.1), DEPLOY_STRATEGY
(bluegreen or recreate), DRAIN_TIMEOUT (600 s), IMAGE_REPOSITORY (any), KEEP_RELEASES (5), LOCK_WAIT (0 s), PROXY_IMAGE.
$LLM_DEPLOY_HOME is ~/local-llm-server unless it is set. BIND_ADDRESS and PROXY_IMAGE wait for restart-proxy.

Exit codes: 0 done, or nothing to do; 1 drift, or it could not be done; 2 bad words or input, 3 refused, 4 locked:
nothing was touched; 5 no answer; 10 failed and rolled back; 11 failed, and the rollback too; 12 failed, and nothing ran
before; 130, 143 ended by a signal.
TEXT
      ;;
  esac
}
