# shellcheck shell=bash disable=SC2034,SC2154 # names of and for the scripts around it
# Shared by the pipeline's rehearsals. They execute the workflows in .github on this machine, with their own git remote,
# registry, sshd and engine (.ci/workflows/rehearse.mjs). Stubs are marked as such.
# Sourced after machine.sh, in the repository's folder. Needs node 20 and npm.

owner=Some-Owner
token=token-$RANDOM-$RANDOM-canary
repository=127.0.0.1:$REGISTRY_PORT/some-owner/local-llm-server
clone=$work/clone
logs=$work/logs
mkdir "$logs"
runs=0

# --- the remote

in_clone() { git -C "$clone" -c user.name=Somebody -c user.email=somebody@example.com "$@"; }
head_of() { in_clone rev-parse "$1"; }
tree_of() { in_clone rev-parse "$1^{tree}"; }

# A repository with this tree, without the build, which is not rehearsed.
make_remote() {
  git init -q --bare -b main "$work/origin"
  copy_tree "$clone"
  cat >"$clone/mvnw" <<SCRIPT
#!/bin/sh
echo "(a stub for the build and its tests: a file FAILING is a test that fails)"
case "\$*" in
  *Checksums.record=true*spring-boot:run*) exit 1 ;; # its settings are refused
  *Checksums.record=true*) printf '%064d  a/new/library.jar\n' 1 >.mvn/checksums/checksums.sha256 ;;
esac
mkdir -p llm-api/target && cp "$jar" llm-api/target/
[ ! -e FAILING ]
SCRIPT
  git init -q -b main "$clone"
  in_clone add -A
  in_clone commit -q -m "All there is"
  in_clone remote add origin "$work/origin"
  in_clone push -q origin main
  in_clone checkout -q -b staging
}

# commit MESSAGE FILE TEXT: adds TEXT to FILE on the checked-out branch, commits and pushes.
commit() {
  echo "$3" >>"$clone/$2"
  in_clone add "$2"
  in_clone commit -q -m "$1"
  in_clone push -q origin HEAD
}

# --- runs

# rehearse WORKFLOW EVENT REF_TYPE REF [JQ]: executes it for REF; JQ changes the scenario.
rehearse() {
  runs=$((runs + 1))
  folder=$work/run-$runs
  mkdir "$folder"
  jq -n --arg folder "$folder" --arg remote "$work/origin" --arg path "$PATH" --arg engine "$DOCKER_HOST" \
    --arg token "$token" --arg event "$2" --arg type "$3" --arg name "$4" --arg sha "$(head_of "$4^{commit}")" \
    --arg owner "$owner" --arg registry "127.0.0.1:$REGISTRY_PORT" \
    --arg architecture "$(dpkg --print-architecture)" --arg port "$SSH_PORT" \
    --arg known "$(cat "$work/known_hosts")" --arg user "$(id -un)" \
    --arg ollama "http://host.docker.internal:$OLLAMA_PORT" --rawfile staging "$work/staging.key" \
    --rawfile production "$work/production.key" --rawfile drift "$work/drift.key" '
    {DEPLOY_HOST: "127.0.0.1", DEPLOY_PORT: $port, DEPLOY_USER: $user, DEPLOY_KNOWN_HOSTS: $known} as $reach |
    {OLLAMA_BASE_URL: $ollama, MODEL_NAME: "simulator", RATE_LIMIT_RPM: "0"} as $settings | {
      folder: $folder, remote: $remote, path: $path, engine: $engine, token: $token,
      github: {event_name: $event, ref_type: $type, ref_name: $name, sha: $sha, actor: "somebody",
        ref: (if $type == "tag" then "refs/tags/" else "refs/heads/" end + $name),
        repository: ($owner + "/local-llm-server"), repository_owner: $owner},
      vars: {REGISTRY: $registry, BUILD_MACHINES: ([{architecture: $architecture, runner: "this machine"}] | tojson)},
      environments: {
        staging: {approved: true, secrets: {DEPLOY_SSH_KEY: $staging},
          vars: ($reach + $settings + {ALLOWED_ORIGINS: "https://staging.example.com"})},
        production: {approved: true, secrets: {DEPLOY_SSH_KEY: $production},
          vars: ($reach + $settings + {ALLOWED_ORIGINS: "https://app.example.com"})},
        drift: {approved: true, vars: $reach, secrets: {DEPLOY_SSH_KEY: $drift}}
      }
    } | '"${5:-.}" >"$folder/scenario.json"
  node .ci/workflows/rehearse.mjs ".github/workflows/$1.yml" "$folder/scenario.json" >"$logs/$runs" 2>&1
}

push() { rehearse "$1" push branch "$2" "${3:-.}"; }
release_tag() { rehearse production push tag "$@"; }
dispatch() { rehearse "$1" workflow_dispatch branch main ".inputs = $2"; }

# ends CODE COMMAND...: the rehearsal ends with that code; else prints its log.
SUCCESS=0 FAILURE=1 CANCELLED=2 WAITING=3
ends() {
  local code=0
  "${@:2}" || code=$?
  [ $code -eq "$1" ] || { cat "$logs/$runs"; echo "exit code $code"; return 1; }
}

result_of() { jq -r ".jobs.$1.result" "$folder/result.json"; }
scanned() { jq -r '.scanned[0]' "$folder/result.json"; }
attested() { jq -r '.attested[0] // "nothing"' "$folder/result.json"; }
log_says() { grep -qF -- "$1" "$logs/$runs"; }

# manifest_of TAG: what the registry has under it, or an error.
manifest_of() {
  local index=application/vnd.oci.image.index.v1+json list=application/vnd.docker.distribution.manifest.list.v2+json
  curl -s -u "$owner:$token" -H "Accept: $index, $list" \
    "${@:2}" "http://127.0.0.1:$REGISTRY_PORT/v2/some-owner/local-llm-server/manifests/$1"
}

# digest_of TAG: nothing if there is no such tag.
digest_of() { manifest_of "$1" -I | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip'; }
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }
absent() { [ -z "$(digest_of "$1")" ]; }

revision() { curl -fs --max-time 20 "$(url "$1" /health)" | sed -n 's/.*"revision":"\([^"]*\)".*/\1/p'; }
last_of() { tail -n 1 "$LLM_DEPLOY_HOME/$1/history" 2>/dev/null | jq -r ".$2"; }
deploys_of() { if [ -f "$LLM_DEPLOY_HOME/$1/history" ]; then wc -l <"$LLM_DEPLOY_HOME/$1/history"; else echo 0; fi; }

# untouched WHAT ENVIRONMENT REF: since remember ENVIRONMENT.
untouched() {
  check "$1: nothing is deployed" [ "$(deploys_of "$2")" = "$deploys" ]
  check "$1: no tag says that staging proved it" absent "tree-$(tree_of "$3")"
  check "$1: :staging has not moved" same "$(digest_of staging)" "$staging"
  check "$1: :latest has not moved" [ "$(digest_of latest)" = "$latest" ]
  check "$1: what ran before answers" same "$(revision "$2")" "$before"
}
remember() {
  deploys=$(deploys_of "$1") before=$(revision "$1")
  staging=$(digest_of staging) latest=$(digest_of latest)
}

# Starts everything, with the branches main and staging.
prepare() {
  part "engine, registry, sshd, Ollama"
  install_tools
  install_node_modules
  start_engine
  start_private_registry "$owner" "$token"
  start_sshd
  let_in drift status
  llm-deploy/e2e/base-images eclipse-temurin haproxy
  jar=$PWD/$(server_jar)
  start_ollama "$jar" "$OLLAMA_PORT"
  make_remote
}

# At the end: no secret was written anywhere.
no_secret_is_left() {
  part "secrets"
  check "no log has the token" sh -c "! grep -rF '$token' '$logs' '$work'/run-*/summary.md '$work'/run-*/result.json"
  for key in staging production drift; do
    check "nor the key of $key" sh -c "! grep -rF '$(sed -n 3p "$work/$key.key")' '$logs'"
  done
  check "no key or setting is left on a runner" [ -z "$(find "$work"/run-*/job-*/tmp -type f)" ]
}
