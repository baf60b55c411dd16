// Rules for permissions and order in workflows that release. Each yields its complaints; broken.mjs breaks each rule.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import {
  actionOf,
  callsIn,
  callsOf,
  conditionOf,
  envsOf,
  hasSecret,
  jobsOf,
  linesOf,
  listOf,
  machines,
} from "./workflow.mjs";
import { mayHarm, releases, runsOurs, stepsOf, text, writes } from "./workflow.mjs";

const root = new URL("../../", import.meta.url);
const key = { DEPLOY_SSH_KEY: "${{ secrets.DEPLOY_SSH_KEY }}" };
const image = "${{ needs.image.outputs.image }}";
// The whole context github has the token.
const hasToken = (value) => hasSecret(value) || /github\W+token|toJSON/i.test(text(value));
const isSet = (list, ...wanted) => isDeepStrictEqual(listOf(list).toSorted(), wanted.toSorted());

// Other events run foreign code with this repository's rights, or are not needed.
const events = ["push", "pull_request", "schedule", "workflow_dispatch"];
const tags = ["v[0-9]+.[0-9]+.[0-9]+"];
// The triggers of a deploy. production's second is for approval by tag (docs/pipeline.md).
const starts = {
  staging: [{ push: { branches: ["staging"] } }],
  production: [{ push: { branches: ["main"], tags } }, { push: { tags } }],
};
const byDependabot =
  "github.event.pull_request.user.login == 'dependabot[bot]'" +
  " && github.event.pull_request.head.repo.full_name == github.repository";

// The scripts and actions that need each write permission.
const writers = {
  packages: ["build-image", "join-image", "add-tags"],
  "id-token": ["tailscale/github-action", "actions/attest"],
  attestations: ["actions/attest"],
  "security-events": ["github/codeql-action/upload-sarif"],
  contents: ["push-lock"],
  actions: ["push-lock"],
};

// The tags that each environment's deploy may set.
const proven = {
  staging: ["staging", `"tree-$(git rev-parse 'HEAD^{tree}')"`],
  production: ["latest", '${VERSION:+"$VERSION"}'],
};

const gate = {
  cache: "false",
  "image-ref": image,
  scanners: "vuln",
  "vuln-type": "os,library",
  severity: "CRITICAL",
  "ignore-unfixed": "true",
  "exit-code": "1",
};
const scanEnv = {
  TRIVY_USERNAME: "${{ github.repository_owner }}",
  TRIVY_PASSWORD: "${{ github.token }}",
  TRIVY_PLATFORM: "linux/${{ matrix.architecture }}",
};

// How IMAGE becomes the subject of an attestation.
const subject = ['echo "name=${IMAGE%@*}" >>"$GITHUB_OUTPUT"', 'echo "digest=${IMAGE#*@}" >>"$GITHUB_OUTPUT"'];

// The deploys that skip an image that is live already.
const leaves = { production: ["${{ github.ref_type == 'tag' }}"] };

/** The calls that deploy, with their jobs. */
const deploysOf = (file) =>
  jobsOf(file).flatMap(([id, job]) =>
    callsIn(job, "deploy").map((call) => ({ id, job, ...call, environment: call.arguments[0] })),
  );

/** All jobs that a job depends on, directly or not. */
const ancestors = (file, id) =>
  listOf(file.workflow.jobs[id]?.needs).flatMap((need) => [need, ...ancestors(file, need)]);

/** Whether a job runs only if all its needs succeeded. */
function demandsSuccess(job) {
  const condition = conditionOf(job);
  // GitHub adds success() where no such function is named.
  if (!/\b(?:always|cancelled|failure|success)\b/i.test(condition)) return true;
  const parts = condition.split(" && ");
  const wanted = listOf(job.needs).map((need) => `needs.${need}.result == 'success'`);
  const harmless = (part) =>
    part === "!cancelled()" || /^(?:vars\.[A-Z_]+|needs\.[\w-]+\.outputs\.[\w-]+) == 'true'$/.test(part);
  return wanted.every((part) => parts.includes(part)) && parts.every((part) => wanted.includes(part) || harmless(part));
}

// The image was found, or else was built.
const foundOrBuilt =
  "${{ !cancelled() && needs.find.result == 'success'" +
  " && (needs.build.result == 'success' || needs.find.outputs.image != '') }}";

/** Whether a step of a check could be skipped. With failure(), only a step that runs our scripts counts. */
function skips(step) {
  const condition = conditionOf(step);
  if (!step.run || !("if" in step) || ["always()", "!cancelled()"].includes(condition)) return false;
  return condition !== "failure()" || runsOurs(step.run);
}

/** Settings that an environment has, as SETTING_NAME: expression. */
function settingsOf(environment) {
  const rows = readFileSync(new URL("llm-deploy/env/manifest.csv", root), "utf8").trim().split("\n");
  const cells = rows.filter((row) => !row.startsWith("#")).map((row) => row.split("|").map((cell) => cell.trim()));
  const column = cells[0].indexOf(environment);
  const settings = {};
  for (const row of cells.slice(1)) {
    let cell = column;
    while (row[cell] === "") cell--;
    // render-env writes APP_ENV by itself.
    if (row[cell] !== "-" && row[0] !== "APP_ENV")
      settings[`SETTING_${row[0]}`] = `\${{ ${row[1] === "secret" ? "secrets" : "vars"}.${row[0]} }}`;
  }
  return settings;
}

export const releaseRules = {
  *triggers(file) {
    for (const event of file.events) if (!events.includes(event)) yield `${event} (expected: one of ${events})`;
    for (const { environment } of deploysOf(file))
      if (!starts[environment]?.some((on) => isDeepStrictEqual(file.workflow.on, on))) {
        const expected = starts[environment]?.map(text).join(" or ");
        yield `it deploys to ${environment} on ${text(file.workflow.on)} (expected: ${expected})`;
      }
    if (!file.events.includes("pull_request")) return;
    if (releases(file)) yield "a pull request could release";
    for (const [id, job] of jobsOf(file)) {
      // GitHub takes a skipped check for a passed one.
      if (("if" in job && job.if !== byDependabot) || job.steps.some(skips))
        yield (
          `${id}: a pull request could be merged without it ` +
          "(expected: no 'if' but always(), !cancelled(), failure() at steps)"
        );
      if (writes(job) && !listOf(job.needs).some((need) => file.workflow.jobs[need]?.if === byDependabot))
        yield `${id}: writes for pull requests that are not Dependabot's`;
    }
  },

  *permissions(file) {
    if (text(file.workflow.permissions) !== "{}") yield "the workflow's permissions are not {}";
    for (const [id, job] of jobsOf(file)) {
      if (typeof job.permissions !== "object" || job.permissions === null)
        yield `${id}: its permissions are not listed one by one`;
      const does = [...job.steps.map(actionOf), ...callsIn(job).map(({ script }) => script)];
      for (const [name, value] of Object.entries(job.permissions ?? {}))
        if (value !== "read" && !(value === "write" && writers[name]?.some((writer) => does.includes(writer))))
          yield `${id}: nothing in it needs ${name}: ${value}`;
    }
  },

  *secrets(file) {
    const { jobs, ...rest } = file.workflow;
    if (hasToken(rest)) yield "a secret outside of jobs";
    for (const [id, { steps, ...job }] of jobsOf(file)) {
      // The scanner gets the token for all its steps.
      if (hasSecret(job) || (hasToken(job) && id !== "scan")) yield `${id}: a secret outside of steps`;
      if (hasSecret(steps) && !job.environment) yield `${id}: a secret without environment`;
      for (const step of steps) {
        const { env = {}, ...others } = step;
        if (hasToken(others)) yield `${id}: a secret outside of env`;
        const secret = Object.entries(env).filter(([, value]) => hasToken(value));
        for (const [name, value] of secret)
          if (!/^\$\{\{ (?:secrets\.[A-Z_]+|github\.token) \}\}$/.test(value)) yield `${id}: ${name} is not one secret`;
        const lines = linesOf(step);
        const calls = callsOf(step).length + /^gh workflow run /.test(lines[0]);
        if (secret.length && (lines.length !== 1 || calls !== 1))
          yield `${id}: a secret for something else than one script`;
      }
    }
  },

  *concurrency(file) {
    const name = file.name.replace(".yml", "");
    const { group, ...others } = file.workflow.concurrency ?? {};
    if (!group) yield "no concurrency group";
    if (!releases(file)) return;
    // A separate group per run would have no effect.
    if (group !== name && group !== `${name}-\${{ inputs.environment }}`)
      yield `runs of ${group} don't wait for each other`;
    const queue = deploysOf(file).some(({ environment }) => environment === "production") ? { queue: "max" } : {};
    if (!isDeepStrictEqual(others, { "cancel-in-progress": false, ...queue }))
      yield "a release could be cancelled or skipped";
  },

  *caches(file) {
    if (!mayHarm(file)) return;
    const off = {
      "aquasecurity/trivy-action": "cache",
      "tailscale/github-action": "use-cache",
      "docker/setup-buildx-action": "cache-binary",
      "actions/setup-node": "package-manager-cache",
    };
    for (const { step, where } of stepsOf(file)) {
      const action = actionOf(step);
      if (action?.startsWith("actions/cache") || (action?.startsWith("actions/setup-") && step.with?.cache))
        yield `${where}: restores a cache`;
      if (off[action] && String(step.with?.[off[action]]) !== "false") yield `${where}: ${off[action]} is not false`;
    }
  },

  *environments(file) {
    const input = "${{ inputs.environment }}";
    // Only drift asks for both at once.
    const placeOf = ({ script, arguments: [first, second = "drift"] }) => {
      const name = script === "remote" ? second : first;
      return name === '"$TARGET"' ? input : name;
    };
    for (const [id, job] of jobsOf(file)) {
      for (const { arguments: [verb] } of callsIn(job, "remote"))
        if (!["status", "history"].includes(verb)) yield `${id}: remote ${verb} (expected: status or history)`;
      const wanted = [...new Set(callsIn(job, "deploy", "roll-back", "remote").map(placeOf))];
      if (!isDeepStrictEqual(wanted, job.environment === undefined ? [] : [job.environment]))
        yield `${id}: environment ${text(job.environment)} (expected: ${wanted})`;
      if (wanted[0] === input && job.env?.TARGET !== input) yield `${id}: TARGET is another environment`;
    }
  },

  *scan(file) {
    const { jobs, env = {} } = file.workflow;
    if (deploysOf(file).length && !jobs.scan) yield "deploys without a scan";
    if (Object.keys(env).some((name) => name.startsWith("TRIVY_"))) yield "the scanner is configured outside its job";
    for (const [id, job] of jobsOf(file)) {
      const [first = {}, ...rest] = job.steps;
      const scans = job.steps.filter((step) => actionOf(step) === "aquasecurity/trivy-action");
      if (id !== "scan" && scans.length === 0) continue;
      // It is the first step: an earlier one could write an ignore file.
      const { name, uses, with: { version, timeout, ...inputs } = {}, ...others } = first;
      const is = { ...others, uses: actionOf(first), with: inputs };
      const expected = { uses: "aquasecurity/trivy-action", with: gate };
      if (!isDeepStrictEqual(is, expected)) yield `${id}: its first step is ${text(is)} (expected: ${text(expected)})`;
      if (!/^v\d+\.\d+\.\d+$/.test(version))
        yield `${id}: the scanner's version is ${version} (expected: such as v1.2.3)`;
      for (const scan of rest.filter((step) => scans.includes(step)))
        if (scan.with?.["image-ref"] !== image || scan.with.version !== version)
          yield `${id}: another image or version is reported`;
      if (!isDeepStrictEqual(job.env, scanEnv)) yield `${id}: its env is ${text(job.env)} (expected: ${text(scanEnv)})`;
      if (!isDeepStrictEqual(job.strategy?.matrix, { include: machines }))
        yield `${id}: its matrix is not 'include' with 'machines' of workflow.mjs: ${machines}`;
    }
  },

  *order(file) {
    const [deploy, ...more] = deploysOf(file);
    if (more.length) yield "deploys more than once";
    for (const [id, job] of jobsOf(file)) {
      const calls = callsIn(job, "add-tags").filter(
        (call) => !isSet(call.arguments.slice(1), '"sha-$(git rev-parse HEAD)"'),
      );
      for (const { step, arguments: [what, ...names] } of calls) {
        if (!isDeepStrictEqual(names, proven[deploy?.environment])) yield `${id}: this deploy does not prove ${names}`;
        if (what !== '"$IMAGE"' || step.env?.IMAGE !== image) yield `${id}: tags another image`;
        if (!isSet(job.needs, "image", deploy?.id)) yield `${id}: tags before the deploy`;
      }
    }
    if (!deploy) return;
    const { id, job, step } = deploy;
    if (!isSet(job.needs, "image", "scan")) yield `${id}: needs ${job.needs} (expected: image, scan)`;
    if (deploy.arguments[1] !== '"$IMAGE"' || step.env?.IMAGE !== image)
      yield `${id}: deploys another image than was scanned`;
    if ("if" in step) yield `${id}: deploys only if ${step.if}`;
    for (const [name, other] of jobsOf(file))
      if (!demandsSuccess(other) && !(name === "image" && other.if === foundOrBuilt))
        yield `${name}: runs after a failure too`;
    const { image: made, test } = file.workflow.jobs;
    const sources = [
      "${{ steps.join.outputs.image }}",
      "${{ steps.promote.outputs.image || steps.join.outputs.image }}",
    ];
    if (!sources.includes(made?.outputs?.image)) yield "image: its output is another image";
    const all = "./mvnw -B verify";
    if (
      !test?.steps.some(
        ({ run, env, if: condition }) => run === all && env?.APP_ENV === "local" && condition === undefined,
      )
    )
      yield `test: no step runs '${all}' with APP_ENV: local, and without 'if'`;
    if (test && "if" in test) yield "test: does not always run";
    for (const [name] of jobsOf(file))
      if (name !== "test" && !ancestors(file, name).includes("test")) yield `${name}: does not wait for the tests`;
  },

  *lock(file) {
    for (const [id, job] of jobsOf(file))
      for (const { arguments: [environment] } of callsIn(job, "deploy", "roll-back")) {
        const { name, ...last } = job.steps.at(-1);
        const wanted = { if: "${{ always() }}", env: key, run: `llm-deploy/ci/release-lock ${environment}` };
        if (!isDeepStrictEqual(last, wanted))
          yield `${id}: its last step does not always release the lock of ${environment}`;
        for (const call of callsIn(job, "summarize"))
          if (!isSet(call.arguments, environment)) yield `${id}: summarizes something else than ${environment}`;
      }
  },

  *attest(file) {
    for (const { id, job, step } of stepsOf(file)) {
      if (actionOf(step) !== "actions/attest") continue;
      const { "subject-name": name, "subject-digest": digest } = step.with ?? {};
      const made = job.steps.find((other) => other.id && name === `\${{ steps.${other.id}.outputs.name }}`);
      if (!made || digest !== `\${{ steps.${made.id}.outputs.digest }}`)
        yield `${id}: its subject is not the name and digest of one step's output`;
      else if (made.env?.IMAGE !== image || !isDeepStrictEqual(linesOf(made), subject))
        yield `${id}: ${made.id} is not made from IMAGE: ${image} by ${subject.join(" and ")}`;
    }
  },

  *settings(file) {
    const [deploy] = deploysOf(file);
    const found = envsOf(file).flatMap(([name, value]) => (name === "LEAVE_IF_LIVE" ? [value] : []));
    const expected = leaves[deploy?.environment] ?? [];
    if (!isDeepStrictEqual(found, expected)) yield `LEAVE_IF_LIVE: ${text(found)} (expected: ${text(expected)})`;
    for (const { id, step, environment } of deploysOf(file)) {
      const has = Object.fromEntries(Object.entries(step.env ?? {}).filter(([name]) => name.startsWith("SETTING_")));
      const wanted = settingsOf(environment);
      for (const name of Object.keys({ ...wanted, ...has }))
        if (has[name] !== wanted[name]) yield `${id}: ${name}: ${has[name]} (the manifest: ${wanted[name]})`;
    }
  },
};
