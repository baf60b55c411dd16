// How each rule is broken: [rule, file, old text, new text]. The first occurrence is changed.
import { readFileSync } from "node:fs";

const actions = JSON.parse(readFileSync(new URL("actions.json", import.meta.url)));
const { commit, version } = actions["actions/checkout"];
const drift = "    permissions:\n      contents: read # checkout\n      id-token: write # Tailscale\n";
const checkout = `uses: actions/checkout@${commit} # ${version}`;
const ciEvents = "on:\n  pull_request:\n  push:\n    branches: [main, staging]\n  workflow_dispatch:\n";
const refuse = "      - name: Refuse critical vulnerabilities that have a fix\n";
const scanned = "if: ${{ !cancelled() && needs.image.result == 'success' && needs.scan.result == 'success' }}";
const deployed = "if: ${{ !cancelled() && needs.image.result == 'success' && needs.deploy.result == 'success' }}";
const either = "(needs.build.result == 'success' || needs.find.outputs.image != '')";
const deploy = 'llm-deploy/ci/deploy staging "$IMAGE"';
const look = "run: llm-deploy/ci/remote status";
const permissions = "    permissions:\n";
const test = "      - name: Test\n";

export const broken = [
  ["github", "staging.yml", "needs: build", "needs: nothing"],
  ["github", "ci.yml", "timeout-minutes:", "timeout-minuts:"],
  ["github", "production.yml", "contents: read # checkout", "contents: reed # checkout"],
  ["github", "ci.yml", "jobs:\n", "jobs:\n  other:\n"],
  ["github", "ci.yml", "    steps:\n", "    steps:\n      -\n"],

  ["actionlint", "ci.yml", /runs-on: macos-.*/, "runs-on: macos-3"],

  ["keys", "production.yml", "  test:\n", "  test:\n    continue-on-error: true\n"],
  ["keys", "staging.yml", "  scan:\n", "  scan:\n    continue-on-error: true\n"],
  ["keys", "production.yml", refuse, `${refuse}        continue-on-error: true\n`],
  ["keys", "production.yml", "    environment: production\n", "    environment: production\n    concurrency: other\n"],
  ["keys", "ci.yml", "    steps:\n", "    services:\n      other:\n        image: someone/other\n    steps:\n"],
  ["keys", "staging.yml", "    environment: staging\n", "    environment: staging\n    container: debian:bookworm\n"],
  ["keys", "staging.yml", `        run: ${deploy}`, `        working-directory: llm-deploy\n        run: ${deploy}`],
  [
    "keys",
    "ci.yml",
    "        run: ./mvnw -B verify\n",
    "        shell: bash {0} || true\n        run: ./mvnw -B verify\n",
  ],
  ["keys", "staging.yml", `        run: ${deploy}`, `        timeout-minutes: 1\n        run: ${deploy}`],
  ["keys", "ci.yml", "        shell: bash\n", "        shell: sh\n"],
  ["keys", "staging.yml", "    environment: staging\n", "    environment: staging\n    environment: production\n"],
  ["keys", "drift.yml", "    permissions:\n", "    name: &name drift\n    outputs: {name: *name}\n    permissions:\n"],

  ["pins", "staging.yml", checkout, "uses: actions/checkout@v7"],
  ["pins", "staging.yml", checkout, checkout.replace(version, "v0.0.0")],
  ["pins", "staging.yml", checkout, `${checkout} or so`],
  ["pins", "ci.yml", "actions/checkout@", "someone/checkout@"],
  ["pins", "ci.yml", checkout, 'uses: "actions/checkout@v7"'],
  ["pins", "ci.yml", checkout, '"uses": actions/checkout@v7'],
  ["pins", "ci.yml", checkout, "uses : actions/checkout@v7"],
  ["pins", "ci.yml", checkout, "uses: docker://debian:bookworm"],
  ["pins", "ci.yml", /image: debian:.*/, "image: someone/debian:latest"],
  ["pins", "ci.yml", permissions, `    container: someone/debian\n${permissions}`],

  ["inputs", "staging.yml", "image-ref:", "image:"],

  ["checkout", "ci.yml", "\n          persist-credentials: false", "\n          clean: true"],
  ["checkout", "ci.yml", "persist-credentials: false", 'persist-credentials: "false"'],
  [
    "checkout",
    "ci.yml",
    "persist-credentials: false",
    "persist-credentials: false\n          repository: someone/other",
  ],
  ["checkout", "production.yml", "persist-credentials: false", "persist-credentials: false\n          ref: other"],
  ["checkout", "refresh-lock.yml", "ref: ${{ github.base_ref }}", "ref: ${{ github.head_ref }}"],

  ["runners", "ci.yml", /runs-on: .*/, "runs-on: self-hosted"],
  ["runners", "ci.yml", /runs-on: .*/, "runs-on: [self-hosted, ARM64]"],
  ["runners", "ci.yml", /runs-on: .*/, "runs-on: {group: ours}"],
  ["runners", "ci.yml", /runs-on: .*/, "runs-on: ${{ vars.RUNNER }}"],
  ["runners", "staging.yml", /runs-on: .*/, "runs-on: ${{ matrix.runner }}"],
  ["runners", "staging.yml", "on:\n", "on:\n  pull_request:\n"],

  ["limits", "drift.yml", / *timeout-minutes: .*\n/, ""],

  ["reasons", "drift.yml", "id-token: write # Tailscale", "id-token: write"],
  ["reasons", "drift.yml", "id-token: write # Tailscale", "id-token: write\n      # Tailscale"],
  ["reasons", "drift.yml", drift, "    permissions: {contents: read, id-token: write} # checkout, Tailscale\n"],

  ["injection", "rollback.yml", '"$RELEASE"', '"${{ inputs.release }}"'],
  ["injection", "ci.yml", "run: ./mvnw", 'shell: bash -c "${{ github.head_ref }}" {0}\n        run: ./mvnw'],

  ["hosts", "drift.yml", look, "run: ssh-keyscan macmini"],
  ["hosts", "drift.yml", look, "run: ssh -o CheckHostIP=no llm@macmini status"],
  ["hosts", "drift.yml", look, "run: /usr/bin/scp file llm@macmini:file"],
  ["hosts", "drift.yml", "    env:\n", "    env:\n      OPTIONS: -o UserKnownHostsFile=/dev/null\n"],
  [
    "hosts",
    "drift.yml",
    "DEPLOY_KNOWN_HOSTS: ${{ vars.DEPLOY_KNOWN_HOSTS }}",
    "DEPLOY_KNOWN_HOSTS: macmini ssh-ed25519 AAAA",
  ],
  ["hosts", "production.yml", "REGISTRY: ${{ vars.REGISTRY || 'ghcr.io' }}", "REGISTRY: registry.example.com"],
  ["hosts", "staging.yml", "      DEPLOY_HOST:", "      BASH_ENV: ./other\n      DEPLOY_HOST:"],
  [
    "hosts",
    "staging.yml",
    "          APP_ENV: local\n",
    "          APP_ENV: local\n          MAVEN_ARGS: -DskipTests\n",
  ],
  ["hosts", "production.yml", "env:\n  REGISTRY:", "env:\n  DOCKER_HOST: tcp://example.com:2375\n  REGISTRY:"],
  ["hosts", "refresh-lock.yml", "PUSH_TOKEN:", "PATH: ../head:/usr/bin:/bin\n          PUSH_TOKEN:"],
  ["hosts", "ci.yml", "run: ./mvnw -B verify", "run: curl -fs https://example.com/install | sudo bash"],
  ["hosts", "ci.yml", "run: ./mvnw -B verify", "run: bash <(curl -fs https://example.com/install)"],
  ["hosts", "ci.yml", "run: ./mvnw -B verify", 'run: sh -c "$(curl -fs https://example.com/install)"'],

  ["scripts", "drift.yml", "llm-deploy/ci/remote", "llm-deploy/ci/remoted"],
  [
    "scripts",
    "staging.yml",
    `run: ${deploy}`,
    'run: |\n          cd llm-deploy/ci\n          ./deploy staging "$IMAGE"',
  ],
  ["scripts", "staging.yml", `run: ${deploy}`, 'run: ./llm-deploy/lib/../ci/deploy staging "$IMAGE"'],
  ["scripts", "staging.yml", `run: ${deploy}`, `run: ${deploy} || echo "failed"`],
  [
    "scripts",
    "rollback.yml",
    'llm-deploy/ci/roll-back "$TARGET" "$RELEASE"',
    "eval llm-deploy/ci/roll-back $TARGET $RELEASE",
  ],
  ["scripts", "production.yml", "./mvnw -B verify", "./mvnw -B verify || true"],
  ["scripts", "production.yml", "./mvnw -B verify", "./mvnw -B -DskipTests verify"],
  ["scripts", "ci.yml", "./mvnw -B verify", "./mvnw -B verify || true"],
  ["scripts", "ci.yml", "./mvnw -B verify", "./mvnw -B verify | tail"],
  ["scripts", "ci.yml", "./mvnw -B verify", "./mvnw -B -fn verify"],
  ["scripts", "ci.yml", "./mvnw -B verify", "./mvnw -B -DskipTests verify"],
  ["scripts", "ci.yml", "./mvnw -B verify", "./mvnw -B verify -Dmaven.test.skip=true"],
  ["scripts", "ci.yml", "./mvnw -B verify", "echo begins; if ./mvnw -B verify; then echo good; fi"],
  ["scripts", "ci.yml", "run: ./mvnw -B verify", "run: |\n          cd llm-api\n          ../mvnw -B verify"],
  ["scripts", "ci.yml", "mvnw lock reproducible", "mvnw lokc reproducible"],
  [
    "scripts",
    "ci.yml",
    "run: ./mvnw -B verify",
    "run: |\n          set +e\n          ./mvnw -B verify\n          echo done",
  ],
  ["scripts", "ci.yml", "sudo .ci/test-scripts", "sudo .ci/test-scripts || true"],
  ["scripts", "refresh-lock.yml", "gh workflow run ci.yml", "./mvnw verify && gh workflow run ci.yml"],

  ["references", "staging.yml", "needs: [image, deploy]", "needs: [deploy]"],
  ["references", "production.yml", "needs.find.outputs.image == ''", "needs.find.outputs.imagine == ''"],
  ["references", "production.yml", "id: promote", "id: pro-moted"],
  ["references", "production.yml", "steps.promote.", "steps.promote-it."],
  ["references", "production.yml", "needs.find.outputs.image == ''", "needs.find-it.outputs.image == ''"],
  ["references", "production.yml", scanned, "if: ${{ !cancelled() }} && needs.scan.result == 'success'"],

  ["triggers", "ci.yml", "  pull_request:\n", "  pull_request_target:\n"],
  ["triggers", "ci.yml", ciEvents, "on: [pull_request_target, push]\n"],
  ["triggers", "ci.yml", ciEvents, "on: pull_request_target\n"],
  ["triggers", "refresh-lock.yml", "  pull_request:\n", "  issue_comment:\n"],
  ["triggers", "production.yml", "on:\n", "on:\n  pull_request:\n"],
  ["triggers", "drift.yml", "on:\n", "on:\n  pull_request:\n"],
  ["triggers", "rollback.yml", "on:\n", "on:\n  workflow_call:\n"],
  ["triggers", "production.yml", "    branches: [main]\n", '    branches: ["**"]\n'],
  ["triggers", "staging.yml", "    branches: [staging]\n", ""],
  ["triggers", "refresh-lock.yml", "github.event.pull_request.user.login == 'dependabot[bot]' && ", ""],
  ["triggers", "ci.yml", "  verify:\n", "  verify:\n    if: false\n"],
  ["triggers", "ci.yml", test, "      - name: Test\n        if: github.actor != 'owner'\n"],
  ["triggers", "ci.yml", test, "      - name: Test\n        if: failure()\n"],
  ["triggers", "refresh-lock.yml", "    needs: record\n", ""],
  ["triggers", "refresh-lock.yml", "    needs: record\n", "    needs: record\n    if: always()\n"],

  ["permissions", "staging.yml", "permissions: {}", "permissions: {contents: read}"],
  ["permissions", "drift.yml", drift, ""],
  ["permissions", "drift.yml", drift, "    permissions: write-all\n"],
  ["permissions", "ci.yml", "contents: read # checkout", "contents: write # checkout"],
  [
    "permissions",
    "production.yml",
    "contents: read # checkout\n",
    "contents: read # checkout\n      packages: write # tags\n",
  ],
  ["permissions", "production.yml", "packages: read # pull", "packages: write # pull"],
  ["permissions", "ci.yml", "contents: read # checkout\n", "contents: read # checkout\n      id-token: write # who\n"],
  [
    "permissions",
    "rollback.yml",
    "contents: read # checkout\n",
    "contents: read # checkout\n      actions: write # start ci\n",
  ],
  [
    "permissions",
    "ci.yml",
    "contents: read # checkout\n",
    "contents: read # checkout\n      pull-requests: write # tell\n",
  ],

  ["secrets", "staging.yml", "    environment: staging\n", ""],
  ["secrets", "drift.yml", "permissions: {}", "permissions: {}\nenv:\n  KEY: ${{ secrets.DEPLOY_SSH_KEY }}"],
  ["secrets", "drift.yml", "DEPLOY_PORT: ${{ vars.DEPLOY_PORT }}", "KEY: ${{ secrets.DEPLOY_SSH_KEY }}"],
  ["secrets", "drift.yml", "DEPLOY_PORT: ${{ vars.DEPLOY_PORT }}", "KEY: ${{ Secrets['DEPLOY_SSH_KEY'] }}"],
  ["secrets", "drift.yml", "${{ secrets.DEPLOY_SSH_KEY }}", "${{ toJSON(secrets) }}"],
  ["secrets", "drift.yml", "audience: ${{ vars.", "oauth-secret: ${{ secrets."],
  ["secrets", "drift.yml", look, 'run: echo "$DEPLOY_SSH_KEY" | base64'],
  [
    "secrets",
    "drift.yml",
    look,
    'run: |\n          llm-deploy/ci/remote status\n          echo "key=$DEPLOY_SSH_KEY" >>"$GITHUB_OUTPUT"',
  ],
  ["secrets", "staging.yml", "run: llm-deploy/ci/log-in", 'run: echo "token=$REGISTRY_TOKEN" >>"$GITHUB_OUTPUT"'],
  ["secrets", "staging.yml", "      DEPLOY_HOST:", "      KEY: ${{ github['token'] }}\n      DEPLOY_HOST:"],
  ["secrets", "staging.yml", "IMAGE: ${{ needs.image.outputs.image }}", "IMAGE: ${{ toJSON(github) }}"],

  ["concurrency", "staging.yml", "cancel-in-progress: false", "cancel-in-progress: true"],
  ["concurrency", "staging.yml", "cancel-in-progress: false", "cancel-in-progress: ${{ github.ref != 'x' }}"],
  ["concurrency", "ci.yml", "concurrency:\n  group: ci-${{ github.ref }}\n  cancel-in-progress: true\n", ""],
  ["concurrency", "production.yml", "  group: production\n", "  group: production-${{ github.run_id }}\n"],
  ["concurrency", "production.yml", "  group: production\n", "  group: staging\n"],
  ["concurrency", "rollback.yml", "${{ inputs.environment }}", "${{ inputs.release }}"],
  ["concurrency", "production.yml", "  queue: max\n", ""],
  ["concurrency", "staging.yml", "cancel-in-progress: false\n", "cancel-in-progress: false\n  queue: max\n"],

  ["caches", "production.yml", "distribution: temurin\n", "distribution: temurin\n          cache: maven\n"],
  ["caches", "staging.yml", '          cache: "false"\n', ""],
  ["caches", "rollback.yml", 'use-cache: "false"', 'use-cache: "true"'],
  ["caches", "refresh-lock.yml", "distribution: temurin\n", "distribution: temurin\n          cache: maven\n"],

  ["environments", "production.yml", "environment: production", "environment: staging"],
  ["environments", "production.yml", "environment: production", "environment: {name: production, deployment: false}"],
  ["environments", "production.yml", "    environment: production\n", ""],
  ["environments", "production.yml", "  test:\n", "  test:\n    environment: production\n"],
  ["environments", "staging.yml", deploy, 'llm-deploy/ci/deploy production "$IMAGE"'],
  ["environments", "drift.yml", "environment: drift", "environment: production"],
  ["environments", "drift.yml", "remote status", "remote status production"],
  ["environments", "staging.yml", "summarize staging", "remote unlock staging"],
  [
    "environments",
    "rollback.yml",
    "environment: ${{ inputs.environment }}\n    permissions",
    "environment: staging\n    permissions",
  ],
  ["environments", "rollback.yml", "TARGET: ${{ inputs.environment }}", "TARGET: production"],

  ["scan", "staging.yml", / *version: v.*\n/, ""],
  ["scan", "staging.yml", /version: v.*/, "version: latest"],
  ["scan", "staging.yml", "severity: CRITICAL", "severity: HIGH"],
  ["scan", "production.yml", "vuln-type: os,library", "vuln-type: os"],
  ["scan", "production.yml", "scanners: vuln\n          vuln-type", "scanners: secret\n          vuln-type"],
  ["scan", "production.yml", "severity: CRITICAL\n", "severity: CRITICAL\n          skip-dirs: /app\n"],
  ["scan", "production.yml", "severity: CRITICAL\n", "severity: CRITICAL\n          scan-type: fs\n"],
  ["scan", "production.yml", "severity: CRITICAL\n", "severity: CRITICAL\n          trivyignores: all\n"],
  ["scan", "production.yml", 'exit-code: "1"', 'exit-code: "0"'],
  [
    "scan",
    "production.yml",
    "image-ref: ${{ needs.image.outputs.image }}",
    "image-ref: ghcr.io/owner/local-llm-server:latest",
  ],
  ["scan", "production.yml", refuse, `${refuse}        if: false\n`],
  ["scan", "production.yml", refuse, `${refuse}        continue-on-error: true\n`],
  ["scan", "production.yml", refuse, `${refuse}        env: {TRIVY_IGNOREFILE: all}\n`],
  [
    "scan",
    "production.yml",
    refuse,
    `      - ${checkout}\n        with:\n          persist-credentials: false\n${refuse}`,
  ],
  ["scan", "staging.yml", "      TRIVY_PLATFORM: linux/${{ matrix.architecture }}\n", ""],
  ["scan", "staging.yml", "linux/${{ matrix.architecture }}", "linux/amd64"],
  ["scan", "staging.yml", "      TRIVY_PLATFORM:", "      TRIVY_IGNOREFILE: all\n      TRIVY_PLATFORM:"],
  ["scan", "staging.yml", "env:\n  REGISTRY:", "env:\n  TRIVY_IGNOREFILE: all\n  REGISTRY:"],
  [
    "scan",
    "staging.yml",
    "      fail-fast: false\n      matrix:\n",
    "      matrix:\n        exclude: [{architecture: arm64}]\n",
  ],

  ["order", "production.yml", "needs: [image, scan]", "needs: [image]"],
  ["order", "production.yml", scanned, "if: ${{ !cancelled() && needs.image.result == 'success' }}"],
  ["order", "production.yml", scanned, scanned.replace(" && needs.scan", " || needs.scan")],
  ["order", "production.yml", scanned, "if: always()"],
  ["order", "production.yml", scanned, "if: ${{ !cancelled() && needs.image.outputs.scanned == 'true' }}"],
  ["order", "staging.yml", "needs: [image, scan]\n", "needs: [image, scan]\n    if: ${{ always() }}\n"],
  ["order", "staging.yml", "  scan:\n    needs: image\n", "  scan:\n    needs: image\n    if: ${{ !cancelled() }}\n"],
  ["order", "production.yml", `needs.find.result == 'success' && ${either}`, either],
  [
    "order",
    "staging.yml",
    "IMAGE: ${{ needs.image.outputs.image }}\n          REG",
    "IMAGE: ghcr.io/owner/other:latest\n          REG",
  ],
  ["order", "staging.yml", deploy, "llm-deploy/ci/deploy staging latest"],
  ["order", "staging.yml", "image: ${{ steps.join.outputs.image }}", "image: ghcr.io/owner/local-llm-server:latest"],
  ["order", "staging.yml", "needs: [image, deploy]", "needs: [image]"],
  ["order", "staging.yml", "needs: [image, deploy]\n", "needs: [image, deploy]\n    if: ${{ !cancelled() }}\n"],
  ["order", "production.yml", deployed, "if: ${{ !cancelled() && needs.image.result == 'success' }}"],
  ["order", "production.yml", '"$IMAGE" "sha-$(git rev-parse HEAD)"', '"$IMAGE" latest'],
  ["order", "production.yml", '"$IMAGE" latest', '"$IMAGE" staging'],
  ["order", "production.yml", "  find:\n    needs: test\n", "  find:\n"],
  ["order", "production.yml", "  test:\n", "  test:\n    if: github.ref_type != 'tag'\n"],
  ["order", "production.yml", test, "      - name: Test\n        if: github.ref_type != 'tag'\n"],
  ["order", "production.yml", "APP_ENV: local", "APP_ENV: staging"],

  ["attest", "staging.yml", "${{ steps.image.outputs.digest }}", "${{ github.sha }}"],
  ["attest", "staging.yml", "${{ steps.image.outputs.name }}", "ghcr.io/owner/other"],
  ["attest", "staging.yml", "IMAGE: ${{ needs.image.outputs.image }}", "IMAGE: ghcr.io/owner/other:latest"],
  ["attest", "production.yml", "digest=${IMAGE#*@}", "digest=${OTHER#*@}"],

  ["lock", "rollback.yml", "${{ always() }}", "${{ success() }}"],
  ["lock", "production.yml", "llm-deploy/ci/release-lock production", "true"],
  ["lock", "production.yml", "llm-deploy/ci/release-lock production", "llm-deploy/ci/release-lock staging"],
  [
    "lock",
    "production.yml",
    "run: llm-deploy/ci/release-lock production",
    'run: "true # llm-deploy/ci/release-lock production"',
  ],
  ["lock", "rollback.yml", 'llm-deploy/ci/release-lock "$TARGET"', 'llm-deploy/ci/release-lock "$RELEASE"'],
  ["lock", "staging.yml", "summarize staging", "summarize production"],

  ["settings", "production.yml", "          SETTING_KEEP_ALIVE: ${{ vars.KEEP_ALIVE }}\n", ""],
  ["settings", "staging.yml", "SETTING_KEEP_ALIVE: ${{ vars.KEEP_ALIVE }}", "SETTING_KEEP_ALIVE: ${{ vars.NUM_CTX }}"],
  ["settings", "staging.yml", "SETTING_KEEP_ALIVE:", "SETTING_KEPT_ALIVE:"],
  ["settings", "staging.yml", "      DEPLOY_HOST:", '      LEAVE_IF_LIVE: "true"\n      DEPLOY_HOST:'],
  ["settings", "production.yml", /LEAVE_IF_LIVE: .*/, 'LEAVE_IF_LIVE: "true"'],
  ["settings", "production.yml", / *LEAVE_IF_LIVE: .*\n/, ""],
];

const job = (id) => `  ${id}:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n    permissions: {}\n`;
const summarize = "      - name: Summarize\n";
const build = "      - name: Build the image\n";
const lookAt = (what) => `      - name: Look
        env:
          DEPLOY_SSH_KEY: \${{ secrets.DEPLOY_SSH_KEY }}
        run: llm-deploy/ci/remote ${what}
${summarize}`;
const tell = (condition) => `      - name: Tell\n        if: ${condition}\n        run: ls\n`;
const hyphens = `${job("find-it")}    outputs:
      its-name: \${{ steps.find-it.outputs.its-name }}
    steps:
      - id: find-it
        run: echo "its-name=x" >>"$GITHUB_OUTPUT"
${job("use-it")}    needs: find-it
    env:
      NAME: \${{ needs.find-it.outputs.its-name }}
    steps:
      - run: echo "$NAME"
`;

// Changes that break no rule.
export const harmless = [
  ["staging.yml", summarize, lookAt("history staging")],
  ["staging.yml", summarize, lookAt("status staging")],
  ["rollback.yml", summarize, lookAt('status "$TARGET"')],
  ["staging.yml", "          APP_ENV: local\n", "          APP_ENV: local\n          TZ: UTC\n"],
  ["staging.yml", "severity: CRITICAL\n", "severity: CRITICAL\n          timeout: 10m\n"],
  ["production.yml", scanned, scanned.replace("needs.image", "needs.image.outputs.image == 'true' && needs.image")],
  ["production.yml", "llm-deploy/ci/log-in", 'llm-deploy/ci/log-in >>"$GITHUB_OUTPUT"'],
  ["ci.yml", "jobs:\n", `jobs:\n${hyphens}`],
  ["ci.yml", test, `${test}        if: \${{ !cancelled() }}\n`],
  ["ci.yml", build, `${tell("failure()")}${build}`],
  ["ci.yml", build, `${tell("${{ failure() }}")}${build}`],
  ["ci.yml", build, `${tell("${{ always() }}")}${build}`],
  [
    "ci.yml",
    `${build}        run: |\n`,
    `${build}        run: |\n          cd llm-api\n          diff <(ls) <(ls)\n          cd ..\n`,
  ],
  ["ci.yml", "run: ./mvnw -B verify", "run: mkdir -p out && ./mvnw -B verify"],
];
