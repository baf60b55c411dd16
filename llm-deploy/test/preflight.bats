#!/usr/bin/env bats
# The preflight checks, and the shared GPU.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC1003 # words not to expand; an environment for each test
# shellcheck disable=SC2119,SC2012,SC2164 # settings has its own arguments; ls shows modes; bats ends at a failed cd
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  mkdir -p "$staging"
  chmod 700 "$staging"
  export HOME="$BATS_TEST_TMPDIR/home & <family>"
  mkdir "$HOME"
  agent=$HOME/Library/LaunchAgents/dev.localllm.reconcile.plist
}

# live_in ENVIRONMENT SETTING...
live_in() {
  mkdir -p "$LLM_DEPLOY_HOME/$1/releases/1"
  printf 'current=1\nslot=blue\nintended=up\nlast=1\n' >"$LLM_DEPLOY_HOME/$1/state"
  echo RELEASE=1 >"$LLM_DEPLOY_HOME/$1/releases/1/release.env"
  printf '%s\n' "${@:2}" >"$LLM_DEPLOY_HOME/$1/releases/1/env"
}

@test "passes if everything is fine" {
  more_stand_ins='df() { printf "%s\n" head "disk 9 9 4194304 9% /"; };'
  exits 0 tool preflight staging
  [ "$(grep -c '^ok  ' <<<"$output")" -eq 11 ] && [ "${#lines[@]}" -eq 12 ]
  says "ok       engine 28.0.1, linux/arm64"
  says "ok       4096 MB free"
  says "ok       port 8001 is free"
  says "ok       port 9001 is free"
  says "warning  Ollama was not checked: no image here to check from (fix: deploy once)"
  echo x >"$WORLD/images/3.2"
  exits 0 tool preflight staging
  says "ok       Ollama 0.33.0-rc2 answers containers at http://host.docker.internal:11434"
}

@test "every failure has a fix, and exits with 3" {
  chmod 755 "$staging"
  echo 24.0.9 >"$WORLD/engine-version"
  echo v2.29.7 >"$WORLD/compose-version"
  live_in production MODEL_NAME=qwen3:4b NUM_CTX=4096
  live_in staging MODEL_NAME=qwen3:4b
  more_stand_ins='
    df() { printf "%s\n" head "disk 9 9 4194303 9% /"; }
    curl() { return 0; }
    date() { case $* in *%Y) echo 2025 ;; *) command date "$@" ;; esac; }
  '
  exits 3 tool preflight staging
  run -0 sed -n 's/^fail *:* //p' <<<"$output"
  [ "${#lines[@]}" -eq 8 ]
  run ! grep -v '(fix: ..*)$' <<<"$output"
}

@test "one failure is enough" {
  chmod 710 "$staging"
  exits 3 tool preflight staging
  says "fail     $staging is open to others (fix: chmod 700"
  chmod 700 "$staging"
  touch "$WORLD/engine-down"
  exits 3 tool preflight staging
  says "fail     no Docker engine answers (fix: start Docker Desktop, OrbStack or Colima"
}

@test "compares versions as numbers" {
  for pair in "25 25" "25.0.1 25" "v2.30 2.30" "2.30.3-desktop.1 2.30" "2.100 2.30" "5.0.0 2.30" "10 9"; do
    part at_least $pair || { echo "$pair"; false; }
  done
  for pair in "24.0.9 25" "2.29.9 2.30" "2.4 2.30" "1.99 2.30" "9 10" "v1 2.0"; do
    run ! part at_least $pair
  done
}

@test "knows which Docker Desktops leave containers down" {
  for version in 4.42.0 4.42 4.46.9 4.81 4.81.1 4.100 5.0; do
    part leaves_containers_down $version || { echo $version; false; }
  done
  for version in 4.41.2 4.47.0 4.80.9 4.9 3.99 0; do run ! part leaves_containers_down $version; done
}

@test "requires the LaunchAgent on macOS" {
  echo Darwin >"$WORLD/system"
  exits 0 tool preflight staging
  says "warning  no LaunchAgent restores what should run (fix: llm-deploy install-agent)"
  exits 0 tool install-agent
  exits 0 tool preflight staging
  says "ok       the LaunchAgent restores what should run"
}

@test "the LaunchAgent is valid XML for any folder name" {
  exits 3 tool install-agent
  echo Darwin >"$WORLD/system"
  tool install-agent
  grep -F "launchctl bootstrap gui/$(id -u) $agent" "$WORLD/argv"
  if command -v python3; then
    python3 - "$agent" "$LLM_DEPLOY_HOME" <<'PYTHON'
import os, plistlib, sys
agent = plistlib.load(open(sys.argv[1], "rb"))
assert os.access(agent["ProgramArguments"][0], os.X_OK) and agent["ProgramArguments"][1:] == ["reconcile"], agent
assert agent["EnvironmentVariables"] == {"LLM_DEPLOY_HOME": sys.argv[2]}, agent
assert agent["StandardErrorPath"] == sys.argv[2] + "/reconcile.log", agent
assert agent["RunAtLoad"] is True and agent["StartInterval"] == 60, agent
PYTHON
  fi
  [ "$(part xml '<a & b>')" = '&lt;a &amp; b&gt;' ]
  tool remove-agent
  [ ! -e "$agent" ]
}

@test "refuses another NUM_CTX for the same model, warns about another model" {
  live_in production MODEL_NAME=qwen3:4b NUM_CTX=4096
  exits 3 deploy 1
  says "fail: production uses qwen3:4b with NUM_CTX 4096, this is 8192"
  nothing_was_touched
  live_in production MODEL_NAME=qwen3:4b NUM_CTX=8192
  exits 0 deploy 1
  live_in production MODEL_NAME=other NUM_CTX=4096
  exits 0 deploy 2
  says "warning: production uses another model (other)"
  live_in production MODEL_NAME=qwen3:4b NUM_CTX=4096
  printf 'current=1\nslot=blue\nintended=down\nlast=1\n' >"$LLM_DEPLOY_HOME/production/state"
  exits 0 deploy 3
  [[ $output != *production* ]]
}

@test "refuses another NUM_CTX while the other deploy still runs" {
  # Production's deploy, while staging's pulls.
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '%s\n' '#!/bin/sh' '[ "$1 $2" != "pull -q" ] || ! mkdir "$WORLD/once" 2>/dev/null ||' \
    '  "${INTERPRETER:-sh}" -c "$STAND_INS"'\''. "$0"'\'' "$BIN" \' \
    '    deploy production "$IMAGE" --built-from "$SHA" --env-file "$OTHER" >"$WORLD/other" 2>&1' \
    'exec "$REAL" "$@"' >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  export REAL=$BATS_TEST_DIRNAME/machine/docker BIN=$bin OTHER=$BATS_TEST_TMPDIR/production.env IMAGE SHA
  export STAND_INS=$stand_ins
  IMAGE=$(image 2) SHA=$(sha 2)
  settings NUM_CTX=4096 | sed s/staging/production/ >"$OTHER"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH deploy 1
  run cat "$WORLD/other"
  says "fail: staging uses qwen3:4b with NUM_CTX 8192, this is 4096"
}

@test "refuses at least one of two simultaneous deploys with another NUM_CTX" {
  settings NUM_CTX=4096 | sed s/staging/production/ >"$BATS_TEST_TMPDIR/production.env"
  for _ in 1 2 3; do
    deploy 1 >"$WORLD/one" 2>&1 & one=$!
    tool deploy production "$(image 2)" --built-from "$(sha 2)" --env-file "$BATS_TEST_TMPDIR/production.env" \
      >"$WORLD/two" 2>&1 & two=$!
    codes=
    for each in $one $two; do code=0; wait $each || code=$?; codes+="$code "; done
    echo "$codes"
    cat "$WORLD/one" "$WORLD/two"
    [[ $codes = *"3 "* ]]
    rm -rf "$LLM_DEPLOY_HOME" "$WORLD/containers"/*
  done
}

@test "refuses while the other environment's state is lost" {
  live_in production MODEL_NAME=qwen3:4b
  : >"$LLM_DEPLOY_HOME/production/state"
  exits 3 deploy 1
  says "fail: the release of production is unknown, as its state is empty (fix: llm-deploy recover production)"
}

@test "rollback and start only warn about another NUM_CTX" {
  settings NUM_CTX=4096 | tool deploy staging "$(image 1)" --built-from "$(sha 1)" --env-file -
  deploy 2
  live_in production MODEL_NAME=qwen3:4b NUM_CTX=8192
  exits 0 tool rollback staging
  says "warning: the environments don't agree on NUM_CTX"
  tool stop staging
  exits 0 tool start staging
  says "warning: the environments don't agree on NUM_CTX"
}

@test "uses HTTP's default port for Ollama" {
  part ask_from_container http://ollama.internal || true
  grep -q -- '- ollama.internal:80$' "$WORLD/argv"
}

# ollama_is LINE VERSION...: that line reports an Ollama of each version.
ollama_is() {
  local version line=$1
  echo x >"$WORLD/images/3.2"
  for version in "${@:2}"; do
    printf 'HTTP/1.0 200 OK\r\n\r\n{"version":"%s"}' "$version" >"$WORLD/ollama"
    exits 0 part preflight_ollama
    [ "$output" = "${line//VERSION/$version}" ] || { echo "(expected: ${line//VERSION/$version})"; return 1; }
  done
}

@test "accepts a supported Ollama" {
  ollama_is "ok       Ollama VERSION answers containers at http://host.docker.internal:11434" \
    0.30 0.30.0 0.30.0-rc22 0.31.2 0.32.15 0.33.0-rc2 0.33.0-rc2-0-gfb30760 0.33.99
}

@test "warns about an older Ollama, and what it can't do" {
  local can_not="it may cut long prompts, or not say which models can chat"
  ollama_is "warning  Ollama VERSION is older than 0.30: $can_not (fix: update Ollama)" \
    0.29.9 0.24.0 0.12.6 0.12.3 0.9.1-rc0 0.3 0.1.48
}

@test "warns about a newer Ollama" {
  local fix="update local-llm-server, or install Ollama 0.33"
  ollama_is "warning  Ollama VERSION is untested, 0.33 is the newest tested (fix: $fix)" \
    0.34.0 0.34.0-rc0 0.100 1.0.0 1.30.0 10.0
}

@test "warns about an Ollama of unknown version" {
  for version in 0.0.0 0.0.0-dirty fb30760 1234567 latest 33 .33 0. 0.x 0.33x v '' '0.33 0.34' '$(id)'; do
    said=$(part plain "$version")
    ollama_is "warning  the version of Ollama is unknown: '$said' (fix: install a release, 0.30 to 0.33)" "$version"
  done
}
