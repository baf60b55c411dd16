#!/usr/bin/env bats
# The port of an environment's metrics.
# shellcheck disable=SC2016,SC2030,SC2031 # words not to expand; an environment for each test
# shellcheck disable=SC2119 # settings has its own arguments
bats_require_minimum_version 1.5.0

setup() {
  # shellcheck source=SCRIPTDIR/machine.bash
  . "$BATS_TEST_DIRNAME/machine.bash"
  new_machine
  unset METRICS_PORT_STAGING METRICS_PORT_PRODUCTION
  proxy=$WORLD/containers/llm-staging-proxy
}

ports() { tr '\n' ' ' <"$proxy/ports"; }

# as_before: the proxy runs as before there were metrics.
as_before() {
  echo 8001 >"$proxy/ports"
  echo old >"$proxy/config-hash"
}

@test "the proxy publishes the metrics on the environment's port" {
  deploy 1
  [ "$(ports)" = "8001 9001 " ]
  run part metrics_port production
  [ "$output" = 9000 ]
}

@test "the port is a setting of the tool" {
  mkdir -p "$LLM_DEPLOY_HOME"
  echo METRICS_PORT_STAGING=9101 >"$LLM_DEPLOY_HOME/settings"
  deploy 1
  [ "$(ports)" = "8001 9101 " ]
  exits 0 tool status staging
}

@test "another port is a drift until restart-proxy" {
  deploy 1
  export METRICS_PORT_STAGING=9101
  exits 1 tool status staging
  says "DRIFT        the proxy runs with another configuration (fix: llm-deploy restart-proxy staging)"
  deploy 2
  [ "$(ports)" = "8001 9001 " ]
  exits 0 tool restart-proxy staging
  [ "$(ports)" = "8001 9101 " ]
  exits 0 tool status staging
}

@test "a proxy that does not run gets its new configuration" {
  deploy 1
  tool stop staging
  export METRICS_PORT_STAGING=9101
  exits 0 tool start staging
  [ "$(ports)" = "8001 9101 " ]
}

@test "a running proxy is not changed, even if the engine does not say that it runs" {
  deploy 1
  : >"$WORLD/argv"
  touch "$WORLD/engine-down"
  run part start_proxy
  grep -E 'compose .* up -d --no-recreate$' "$WORLD/argv"
  run ! grep -E 'compose .* up -d$' "$WORLD/argv"
}

@test "a port that can't be is refused" {
  local setting
  for setting in METRICS_PORT_STAGING=x METRICS_PORT_STAGING=0 METRICS_PORT_STAGING=65536 METRICS_PORT_STAGING=09001; do
    export "${setting?}"
    exits 2 tool status staging
    says "METRICS_PORT_STAGING: '${setting#*=}' (expected: "
  done
  unset METRICS_PORT_STAGING
  for setting in 8000 8001 9000; do
    METRICS_PORT_STAGING=$setting exits 2 tool preflight staging
    says "METRICS_PORT_STAGING: '$setting' (expected: another port than the "
  done
  METRICS_PORT_PRODUCTION=9001 exits 2 tool preflight staging
  says "METRICS_PORT_STAGING: '9001' (expected: another port than the metrics of production have)"
  METRICS_PORT_PRODUCTION=9001 exits 2 tool preflight production
  says "METRICS_PORT_PRODUCTION: '9001' (expected: another port than the metrics of staging have)"
  nothing_was_touched
}

@test "preflight reports a port that is taken" {
  echo 9001 >"$WORLD/taken"
  exits 3 tool preflight staging
  says "ok       port 8001 is free"
  says "fail     port 9001 is taken by something else (fix: lsof -nP -iTCP:9001 -sTCP:LISTEN;" \
    "or set METRICS_PORT_STAGING to another port)"
  METRICS_PORT_STAGING=9101 run tool preflight staging
  says "ok       port 9101 is free"
}

@test "preflight knows the proxy's own ports" {
  deploy 1
  run tool preflight staging
  says "ok       port 8001 is the proxy's"
  says "ok       port 9001 is the proxy's"
  as_before
  run tool preflight staging
  says "ok       port 8001 is the proxy's"
  says "warning  the running proxy does not publish port 9001 (fix: llm-deploy restart-proxy staging)"
  echo 9001 >"$WORLD/taken"
  run tool preflight staging
  says "fail     port 9001 is taken by something else"
}

@test "plan tells that a deploy would fail at a port" {
  settings >"$BATS_TEST_TMPDIR/settings"
  plan() { tool plan staging "$(image 1)" --built-from "$(sha 1)" --env-file "$BATS_TEST_TMPDIR/settings"; }
  exits 0 plan
  [[ $output != *"would fail"* ]]
  printf '%s\n' 8001 9001 >"$WORLD/taken"
  exits 0 plan
  says "a deploy would fail: port 8001 is taken by something else (fix: lsof -nP -iTCP:8001 -sTCP:LISTEN)"
  says "a deploy would fail: port 9001 is taken by something else"
}

@test "restart-proxy does not stop a proxy whose successor could not start" {
  deploy 1
  as_before
  echo 9001 >"$WORLD/taken"
  : >"$WORLD/argv"
  exits 3 tool restart-proxy staging
  says "port 9001 is taken by something else"
  [ "$(ports)" = "8001 " ]
  run ! grep force-recreate "$WORLD/argv"
  is_free
  : >"$WORLD/taken"
  exits 0 tool restart-proxy staging
  [ "$(ports)" = "8001 9001 " ]
}

@test "a scrape is no response that a slot waits for" {
  deploy 1
  # The stub's metrics_blue has one request.
  [ "$(part running_responses blue)" = 0 ]
  [ "$(grep -cxE 'backend metrics_(blue|green)' "$root/proxy/haproxy.cfg")" -eq 2 ]
}

@test "the metrics are published on loopback only, whatever BIND_ADDRESS is" {
  [ "$(grep -c ':9000"$' "$root/proxy/compose.yaml")" -eq 1 ]
  grep -xF '      - "127.0.0.1:${METRICS_PORT:?}:9000"' "$root/proxy/compose.yaml"
}

# ingress FILE...: the lines of the tunnels' examples.
ingress() { awk '/^ *ingress:$/ { on = 1 } on && /^ *$/ { on = 0 } on' "$@"; }

@test "no example of a tunnel leads to the metrics" {
  local docs=$BATS_TEST_DIRNAME/../../docs
  [ "$(ingress "$docs"/*.md | grep -c 'service: http://127.0.0.1:800[01]$')" -eq 2 ]
  run ! grep -E ':900[01]|METRICS|actuator' <<<"$(ingress "$docs"/*.md)"
}
