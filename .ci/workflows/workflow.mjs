// A workflow as the rules look at it: its value, its tree (for what stands beside a value), and what its steps call.
import { parseDocument, visit } from "yaml";

/** name, content, document, workflow (a job always has steps), events: the names in `on`, however they are written. */
export function read(name, content) {
  const document = parseDocument(content);
  const workflow = { jobs: {}, ...document.toJS() };
  for (const job of Object.values(workflow.jobs)) job.steps ??= [];
  const { on } = workflow;
  return {
    name,
    content,
    document,
    workflow,
    events: typeof on === "object" && !Array.isArray(on) ? Object.keys(on) : listOf(on),
  };
}

export const listOf = (value) => [value ?? []].flat();
export const text = (value) => JSON.stringify(value ?? "");
export const jobsOf = ({ workflow }) => Object.entries(workflow.jobs);
export const stepsOf = (file) =>
  jobsOf(file).flatMap(([id, job]) =>
    job.steps.map((step, index) => ({
      id,
      job,
      step,
      where: `${id}, step ${index + 1} (${step.name ?? step.uses ?? "run"})`,
    })),
  );
export const actionOf = (step) => step.uses?.split("@")[0];

/** All environment variables that the file sets, as [name, value]. */
export const envsOf = (file) =>
  [file.workflow, ...jobsOf(file).map(([, job]) => job), ...stepsOf(file).map(({ step }) => step)].flatMap(({ env }) =>
    Object.entries(env ?? {}),
  );

/** The condition of a job or step, without the ${{ }} around it. */
export const conditionOf = ({ if: condition = "" }) => String(condition).replace(/^\$\{\{ *(.*?) *\}\}$/, "$1");

/** The nodes of all values with this key. */
export function valuesOf({ document }, name) {
  const found = [];
  visit(document, { Pair: (_, { key, value }) => void (key.value === name && found.push(value)) });
  return found;
}

/** The rest of the line after a value. */
export const beside = ({ content }, node) => content.slice(node.range[1]).split("\n", 1)[0];

// GitHub ignores case here.
export const hasSecret = (value) => /\bsecrets\b/i.test(text(value));
export const releases = (file) => jobsOf(file).some(([, job]) => job.environment) || hasSecret(file.workflow);
export const writes = (job) => Object.values(job.permissions ?? {}).includes("write");
export const mayHarm = (file) => releases(file) || jobsOf(file).some(([, job]) => writes(job));

/** A step's commands, line by line, without comments. */
export const linesOf = ({ run }) =>
  String(run ?? "")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("#"));

/** Whether this runs Maven, or a script of this repository. */
export const runsOurs = (lines) => /\bmvnw\b|(?<![\w.-])\.ci\b|\.mvn\/checksums\b|llm-deploy\/(?:ci|e2e)\b/.test(lines);

// A word, a variable, a variable that may be empty, or a tag made of the commit.
const argument =
  /[\w./-]+|\$[A-Z_]+|"\$[A-Z_]+"|\$\{[A-Z_]+:\+"\$[A-Z_]+"\}|"(?:sha|tree)-\$\(git rev-parse [^$()"]+\)"/.source;
const call = new RegExp(`^(?:\\.\\./base/)?llm-deploy/ci/([a-z-]+)((?: (?:${argument}))*)$`);

/** The calls of the pipeline's scripts among a step's lines, wherever their output goes: {step, script, arguments}. */
export const callsOf = (step) =>
  linesOf(step).flatMap((line) => {
    const called = line.replace(/^\w+=\$\((.*)\)$/, "$1").replace(/ >>"\$GITHUB_(?:OUTPUT|STEP_SUMMARY)"$/, "");
    const [, script, rest] = call.exec(called) ?? [];
    return script ? { step, script, arguments: rest.match(new RegExp(argument, "g")) ?? [] } : [];
  });

/** The calls of a job; of the given scripts only, if any are given. */
export const callsIn = (job, ...scripts) =>
  job.steps.flatMap(callsOf).filter(({ script }) => scripts.length === 0 || scripts.includes(script));

// The machines that build, and so the architectures to scan. The jobs build and scan must have the same.
export const machines =
  `\${{ fromJSON(vars.BUILD_MACHINES || '[{"architecture":"arm64","runner":"ubuntu-24.04-arm"},` +
  `{"architecture":"amd64","runner":"ubuntu-24.04"}]') }}`;
