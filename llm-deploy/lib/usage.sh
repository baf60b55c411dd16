# shellcheck shell=dash

usage() {
  case ${1:-} in
    preflight) cat <<'TEXT'
llm-deploy preflight ENVIRONMENT
  Checks whether this machine can run the environment: engine, Compose, restarts, folder, state, disk, clock, ports,
  Ollama, GPU, tool. One line each: ok, warning or fail, with the fix. Exit code 3 if a check fails.
TEXT
      ;;
    plan | deploy) cat <<'TEXT'
llm-deploy plan   ENVIRONMENT IMAGE@DIGEST --built-from SHA [--promoted-as SHA] --env-file -
llm-deploy deploy ENVIRONMENT IMAGE@DIGEST --built-from SHA [--promoted-as SHA] --env-file -
                  [--registry-user NAME] [--actor NAME]
  plan prints what deploy would do, and changes nothing. deploy makes the image live; if a step fails, the live release
  stays. Both warn if the model differs from other environments', or if the default of CLIENT_ID_HEADER changes.
  Settings that are not in this machine's manifest are refused, as are compose files that are not approved here
  (llm-deploy approve). On a terminal, deploy and rollback show each step's time, and what it waits for.
  --built-from SHA      the commit that the image was built from, 40 hex digits; must equal the image's label and the
                        running server's revision
  --promoted-as SHA     the commit that it is promoted as, if another
  --env-file FILE       the settings, as written by render-env; - for standard input
  --registry-user NAME  log in to the registry for the pull; the token is the first line of standard input
  --actor NAME          the name in the history (default: the user)
TEXT
      ;;
    rollback) cat <<'TEXT'
llm-deploy rollback ENVIRONMENT [RELEASE|SHA] [--registry-user NAME] [--actor NAME]
  Makes an earlier release live again: its image, settings and compose files. RELEASE is a number, SHA at least 7 digits
  of one of its commits; default: the previous release. It stays live until the next deploy.
TEXT
      ;;
    status) cat <<'TEXT'
llm-deploy status [ENVIRONMENT] [--json] [--watch]
  Prints release, commits, image, health and lock. Exit code 1, with lines DRIFT, if the machine differs from what was
  deployed; 5, with a line NO ANSWER, if the environment should run but /health on its port lacks the right revision. Of
  several environments the highest code counts.
  --json    one line of JSON per environment: environment, port, fault (what is wrong with the state; code 3), intended,
            release, previous, since (UTC), by, built_from, promoted_as, image, slot, answered (whether revision, from
            /health, is the release's), revision, lock (reason, by, since), drift (sentences), exit_code. Missing values
            are null. Names are stable; new ones may be added
  --watch   again every 2 s, until interrupted
TEXT
      ;;
    history) cat <<'TEXT'
llm-deploy history ENVIRONMENT
  One line of JSON for each deploy, rollback, stop, start, and restart by reconcile: number, at, kind, actor, outcome,
  seconds, built_from, promoted_as, image. outcome is live, no_change, rolled_back, failed (nothing ran before, or a
  restart did not help), rollback_failed, or done for stop, start and restart.
TEXT
      ;;
    logs) cat <<'TEXT'
llm-deploy logs ENVIRONMENT [LINES]
  The end of the server's log (default: 100 lines). Secrets are replaced by their names.
TEXT
      ;;
    start | stop) cat <<'TEXT'
llm-deploy stop ENVIRONMENT
llm-deploy start ENVIRONMENT
  stop lets running responses finish, then stops the environment. It stays down, despite reboots and reconcile, until
  start or a deploy.
TEXT
      ;;
    reconcile) cat <<'TEXT'
llm-deploy reconcile [ENVIRONMENT]
  Restores what should run; skips what was stopped by stop, or is locked. Prints nothing if there is nothing to do. A
  server that misses three checks in a row is restarted, with a thread dump in its log, but never while responses are
  streaming, and at most three times an hour. It misses a check if it answers /health neither through the port nor from
  inside, or if Docker calls it unhealthy. Checks within 30 s count as one.
TEXT
      ;;
    recover) cat <<'TEXT'
llm-deploy recover ENVIRONMENT [RELEASE|SHA] [--write]
  Rebuilds a missing, empty or invalid state from the containers' labels and the kept releases, or for RELEASE. Shows
  it; --write writes it. Refused (3) if a server runs that the next verb would then stop.
TEXT
      ;;
    approve) cat <<'TEXT'
llm-deploy approve SHA256
  Approves compose files other than the tool's, by the hash that a refused deploy printed. They decide what containers
  may do on this machine: read the difference first. The pipeline's keys can't approve.
TEXT
      ;;
    restart-proxy) cat <<'TEXT'
llm-deploy restart-proxy ENVIRONMENT
  Restarts the proxy with its current configuration. New connections are refused until the old proxy exits, at most 40 s
  later; responses that run longer are cut off.
TEXT
      ;;
    lock | unlock) cat <<'TEXT'
llm-deploy lock ENVIRONMENT [--reason TEXT]
llm-deploy unlock ENVIRONMENT
  lock blocks deploys until unlock. unlock also removes the lock of a run that has ended, but never of a running one.
  The pipeline's keys can't remove a manual lock.
TEXT
      ;;
    prune) cat <<'TEXT'
llm-deploy prune ENVIRONMENT
  Removes releases except the current, the previous and KEEP_RELEASES (5) more, and images that no release needs. Lists
  each one.
TEXT
      ;;
    ssh-entry) cat <<'TEXT'
llm-deploy ssh-entry ENVIRONMENT
  For authorized_keys: restrict,command="…/llm-deploy ssh-entry staging" before the pipeline's key for staging. Runs the
  client's command if it is preflight, plan, deploy, rollback, status, history or unlock of that environment, with
  arguments of a known form.
TEXT
      ;;
    install-agent | remove-agent) cat <<'TEXT'
llm-deploy install-agent
llm-deploy remove-agent
  The LaunchAgent that runs reconcile at login and every minute (macOS).
TEXT
      ;;
    *) cat <<'TEXT'
llm-deploy VERB [ENVIRONMENT] …      ENVIRONMENT is staging or production; details: llm-deploy VERB --help

  preflight       check whether this machine can run it
  plan            print what a deploy would do
  deploy          make an image live
  rollback        make an earlier release live again
  status          health, and drift
  history         what was done
  logs            the end of the server's log
  stop, start     stop an environment, start it again
  reconcile       restore what should run
  recover         rebuild a lost state
  approve         allow other compose files
  lock, unlock    block deploys, allow them again
  prune           remove old releases and images
  restart-proxy   apply a new configuration of the proxy
  install-agent, remove-agent     run reconcile by launchd, stop that (macOS)
  ssh-entry       forced command for the pipeline's keys

Settings of the tool, as environment variables or lines NAME=value in $LLM_DEPLOY_HOME/settings; the former override:
  BIND_ADDRESS      127.0.0.1     where the API's ports are published; needs restart-proxy
  DEPLOY_STRATEGY   bluegreen     or recreate: stop the old server before starting the new one
  DRAIN_TIMEOUT     600           seconds for the old release's queue and running responses
  IMAGE_REPOSITORY  any           refuse images of another name
  KEEP_RELEASES     5             besides the current and the previous
  LOCK_WAIT         0             seconds to wait for a lock
  METRICS_PORT_PRODUCTION, METRICS_PORT_STAGING
                    9000, 9001    ports of the metrics, always on 127.0.0.1; need restart-proxy
  PROXY_IMAGE       haproxy:3.2   the proxy's image; needs restart-proxy
$LLM_DEPLOY_HOME is ~/local-llm-server unless it is set.

Exit codes: 0 done, or nothing to do; 1 drift (status), or not done; 2 invalid arguments or input, 3 refused, 4 locked:
nothing was changed; 5 clients get no answer (status); 10 failed and rolled back; 11 deploy and rollback failed; 12
failed, and nothing ran before; 130, 143 ended by a signal.
TEXT
      ;;
  esac
}
