// A workflow as the rules look at it: its value, its tree (for what stands beside a value), and what its steps call.
import { parseDocument, visit } from "yaml";

/** name, content, document, workflow (a job always has steps), and events: the names in `on`, however they are written. */
export function read(name, content) {
  const document = parseDocument(content);
  const workflow = { jobs: {}, ...document.toJS() };
  for (const job of Object.values(workflow.jobs)) job.steps ??= [];
  const { on } = workflow;
  return { name, content, document, workflow, events: typeof on === "object" && !Array.isArray(on) ? Object.keys(on) : listOf(on) };
}

export const listOf = (value) => [value ?? []].flat();
export const text = (value) => JSON.stringify(value ?? "");
export const jobsOf = ({ workflow }) => Object.entries(workflow.jobs);
export const stepsOf = (file) =>
  jobsOf(file).flatMap(([id, job]) =>
    job.steps.map((step, index) => ({ job, step, where: `${id}, step ${index + 1} (${step.name ?? step.uses})` })),
  );
export const actionOf = (step) => step.uses?.split("@")[0];

/** The nodes of all values with this key. */
export function valuesOf({ document }, name) {
  const found = [];
  visit(document, { Pair: (_, { key, value }) => void (key.value === name && found.push(value)) });
  return found;
}

/** What follows a value in its line. */
export const beside = ({ content }, node) => content.slice(node.range[1]).split("\n", 1)[0];

// GitHub doesn't care about upper and lower case here.
export const hasSecret = (value) => /\bsecrets\b/i.test(text(value));
export const releases = (file) => jobsOf(file).some(([, job]) => job.environment) || hasSecret(file.workflow);
export const writes = (job) => Object.values(job.permissions ?? {}).includes("write");

/** What a step runs, line by line, without comments. */
export const linesOf = ({ run }) =>
  String(run ?? "")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("#"));

// A word, a variable, a variable that may be empty, or a tag made of the commit.
const argument = /[\w./-]+|\$[A-Z_]+|"\$[A-Z_]+"|\$\{[A-Z_]+:\+"\$[A-Z_]+"\}|"(?:sha|tree)-\$\(git rev-parse [^$()"]+\)"/.source;
const call = new RegExp(`^(?:\\.\\./base/)?llm-deploy/ci/([a-z-]+)((?: (?:${argument}))*)$`);

/** The calls of the pipeline's scripts among a step's lines: {step, script, arguments}. */
export const callsOf = (step) =>
  linesOf(step).flatMap((line) => {
    const [, script, rest] = call.exec(line.replace(/^\w+=\$\((.*)\)$/, "$1")) ?? [];
    return script ? { step, script, arguments: rest.match(new RegExp(argument, "g")) ?? [] } : [];
  });

/** Those of a whole job, but only of some scripts if they are named. */
export const callsIn = (job, ...scripts) =>
  job.steps.flatMap(callsOf).filter(({ script }) => scripts.length === 0 || scripts.includes(script));

// Which machines build, and so for which architectures is scanned.
export const machines =
  `\${{ fromJSON(vars.BUILD_MACHINES || '[{"architecture":"arm64","runner":"ubuntu-24.04-arm"},` +
  `{"architecture":"amd64","runner":"ubuntu-24.04"}]') }}`;
