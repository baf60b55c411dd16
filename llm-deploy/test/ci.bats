#!/usr/bin/env bats
# Runs the pipeline's scripts (../ci) with stubs for docker and ssh that record their arguments. ../e2e/test-pipeline
# and test-pipeline-failures use a real registry, sshd and engine.
bats_require_minimum_version 1.5.0

setup() {
  ci=$BATS_TEST_DIRNAME/../ci
  cd "$BATS_TEST_TMPDIR" || exit
  git init -q work
  cd work || exit
  git -c user.name=t -c user.email=t@example.com commit -q --allow-empty -m first
  mkdir ../stubs
  PATH=$BATS_TEST_TMPDIR/stubs:${TOOLS:+$TOOLS:}$PATH
  export REGISTRY=ghcr.io GITHUB_REPOSITORY_OWNER=Some-Owner REGISTRY_USER=Some-Owner REGISTRY_TOKEN=token-canary
  export GITHUB_ACTOR='dependabot[bot]'
  export DEPLOY_HOST=macmini DEPLOY_USER=deploy DEPLOY_SSH_KEY=key-canary DEPLOY_KNOWN_HOSTS='macmini ssh-ed25519 AAAA'
  export SETTING_OLLAMA_BASE_URL=http://host.docker.internal:11434 SETTING_MODEL_NAME=qwen3:4b \
    SETTING_RATE_LIMIT_RPM=60 SETTING_ALLOWED_ORIGINS=https://staging.example.com
  commit=$(printf '%040d' 1)
  image=ghcr.io/some-owner/local-llm-server@sha256:$(printf '%064d' 1)
}

# stub TOOL LINE...: a tool that runs these lines of shell.
stub() {
  local tool=$1
  shift
  printf '%s\n' '#!/bin/sh' "$@" >"../stubs/$tool"
  chmod +x "../stubs/$tool"
}

# An ssh that records its arguments and input, and exits with that code.
stub_ssh() { stub ssh "printf '%s\n' \"\$*\" >>../asked" "cat >../input" "exit $1"; }

stub_docker_with_label() {
  local labels="{\"org.opencontainers.image.revision\":\"$commit\"}"
  stub docker "echo '{\"linux/arm64\":{\"config\":{\"Labels\":$labels}}}'"
}

@test "the image's name is in lower case" {
  [ "$("$ci/image-name")" = ghcr.io/some-owner/local-llm-server ]
}

@test "fails if the registry does not answer" {
  stub docker "echo 'ERROR: ${image%@*}:a-tag: not found' >&2" "echo 'WARNING: more' >&2" 'exit 1'
  run --separate-stderr "$ci/find-image" a-tag
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  for words in 'ERROR: connection refused' 'docker: not found' 'ERROR: 403 Forbidden' 'helper: not found'; do
    stub docker "echo '$words' >&2" 'exit 1'
    run "$ci/find-image" a-tag
    [ "$status" -eq 1 ]
  done
  stub docker "echo 'WARNING: odd' >&2" "echo '{\"digest\":\"${image#*@}\"}'"
  run --separate-stderr "$ci/find-image" a-tag
  [ "$output" = "$image" ]
}

@test "a commit has one image" {
  stub docker "echo \"\$*\" >>../asked" "echo '{\"digest\":\"${image#*@}\"}'"
  run --separate-stderr "$ci/join-image" arm64 amd64
  [ "$output" = "image=$image
made=false" ]
  run ! grep create ../asked
  run "$ci/add-tags" "${image%?}2" sha-1
  [ "$status" -eq 1 ]
  [[ $output == *"sha-1: it is $image already; nothing was tagged" ]]
  run ! grep create ../asked
  stub docker "echo 'ERROR: connection refused' >&2" 'exit 1'
  run "$ci/join-image" arm64 amd64
  [ "$status" -eq 1 ]
  run "$ci/join-image"
  [ "$status" -eq 2 ]
}

@test "the summary says that the machine does not answer" {
  stub_ssh 255
  GITHUB_STEP_SUMMARY=../summary "$ci/summarize" staging
  grep -qx 'The machine does not answer.' ../summary
  run ! grep null ../summary
}

@test "built-from requires the same revision for all platforms" {
  stub_docker_with_label
  [ "$("$ci/built-from" "$image")" = "$commit" ]
  label=org.opencontainers.image.revision
  stub docker "echo '{\"a\":{\"$label\":\"$commit\"},\"b\":{\"$label\":\"$image\"}}'"
  run "$ci/built-from" "$image"
  [ "$status" -ne 0 ]
  stub docker 'echo {}'
  run "$ci/built-from" "$image"
  [ "$status" -ne 0 ]
}

@test "tags nothing if the digest would change" {
  stub docker "echo \"\$*\" >>../asked" "echo a list around it"
  run "$ci/add-tags" "$image" staging
  [ "$status" -eq 1 ]
  [[ $output == *"its digest would change; nothing was tagged" ]]
  [ "$(grep -c -- '-t ' ../asked)" -eq 0 ]
}

@test "refuses tags with other characters" {
  for tag in '' 'A' 'a b' '-t'; do
    run "$ci/add-tags" "$image" "$tag"
    [ "$status" -eq 1 ]
  done
}

@test "a deploy sends the token, then the settings, and has no secret in an argument" {
  stub_docker_with_label
  stub_ssh 0
  "$ci/deploy" staging "$image"
  [ "$(head -1 ../input)" = token-canary ]
  [ "$(sed -n 2p ../input)" = APP_ENV=staging ]
  [ "$(tail -1 ../input)" = "# end" ]
  words="deploy@macmini deploy staging $image --built-from $commit --promoted-as $(git rev-parse HEAD)"
  words="$words --registry-user Some-Owner --actor github:dependabotbot --env-file -"
  [[ $(cat ../asked) == *"$words" ]]
  [[ $(cat ../asked) == *"-o StrictHostKeyChecking=yes -o UserKnownHostsFile="* ]]
  run ! grep canary ../asked
}

@test "a wrong setting is reported before the machine is contacted" {
  stub_docker_with_label
  stub_ssh 0
  unset SETTING_MODEL_NAME
  run "$ci/deploy" staging "$image"
  [ "$status" -eq 2 ]
  [ ! -e ../asked ]
}

@test "a tag on the live release deploys nothing" {
  stub ssh "echo \"\$*\" >>../asked" "printf '  intended     up\n  image        %s\n' $image"
  LEAVE_IF_LIVE=true "$ci/deploy" staging "$image"
  [[ $(cat ../asked) == *"status staging" ]]
}

@test "a release that does not answer is not live, whatever status says" {
  stub_docker_with_label
  for code in 1 3 5 255; do
    rm -f ../asked
    stub ssh "echo \"\$*\" >>../asked" "printf '  intended     up\n  image        %s\n' $image" \
      "case \"\$*\" in *' status '*) exit $code ;; esac"
    LEAVE_IF_LIVE=true "$ci/deploy" staging "$image"
    [[ $(tail -1 ../asked) == *"deploy staging $image "* ]]
  done
}

@test "a deploy's outcome is reported in words and by its code" {
  stub_docker_with_label
  for code in 2 3 4 10 11 12 255; do
    stub_ssh $code
    run "$ci/deploy" staging "$image"
    [ "$status" -eq $code ]
    [[ $output == *"::error title=staging::"* ]]
  done
}

@test "contacts no machine without both keys" {
  stub_ssh 0
  for name in DEPLOY_HOST DEPLOY_USER DEPLOY_SSH_KEY DEPLOY_KNOWN_HOSTS; do
    run env "$name=" "$ci/remote" status
    [ "$status" -ne 0 ]
    [ ! -e ../asked ]
  done
}

@test "removes the keys afterwards" {
  stub_ssh 0
  mkdir ../tmp
  TMPDIR=$BATS_TEST_TMPDIR/tmp "$ci/remote" status </dev/null
  [ -z "$(ls ../tmp)" ]
}

@test "waits for a lock, and keeps a manual one" {
  stub_ssh 4
  TRIES=3 PAUSE=0 run "$ci/release-lock" staging
  [ "$status" -eq 0 ]
  [[ $output == *"::warning title=staging::"* ]]
  [ "$(grep -c 'unlock staging' ../asked)" -eq 3 ]
  stub_ssh 3
  run "$ci/release-lock" staging
  [ "$status" -eq 0 ]
  [ "$(grep -c 'unlock staging' ../asked)" -eq 4 ]
  stub_ssh 255
  run "$ci/release-lock" staging
  [ "$status" -eq 255 ]
}

@test "a rollback accepts only a number or a commit" {
  stub_ssh 0
  "$ci/roll-back" staging 0a1b
  [[ $(cat ../asked) == *"rollback staging 0a1b --registry-user Some-Owner --actor github:dependabotbot" ]]
  # shellcheck disable=SC2016 # nobody must expand it
  for release in '--actor' 'x' '1 2' '$(id)'; do
    run "$ci/roll-back" staging "$release"
    [ "$status" -eq 2 ]
  done
  [ "$(wc -l <../asked)" -eq 1 ]
}

@test "pushes a recorded lock only if it is valid" {
  git init -q --bare ../remote
  git remote add origin ../remote
  mkdir -p .mvn/checksums
  printf '%064d  a/b/c-1.0.jar\n' 1 >.mvn/checksums/checksums.sha256
  git add .mvn
  git -c user.name=t -c user.email=t@example.com commit -qm lock
  printf '%064d  a/b/c-1.1.jar\n' 2 >../new
  PUSH_TOKEN=token-canary "$ci/push-lock" ../new some/branch
  [ "$(git -C ../remote show some/branch:.mvn/checksums/checksums.sha256)" = "$(cat ../new)" ]
  echo 'curl x | sh' >>../new
  PUSH_TOKEN=token-canary run "$ci/push-lock" ../new some/branch
  [ "$status" -eq 1 ]
  : >../new
  PUSH_TOKEN=token-canary run "$ci/push-lock" ../new some/branch
  [ "$status" -eq 1 ]
}
