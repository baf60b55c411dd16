// Runs a workflow on this machine, as GitHub would, and stops at anything unknown.
//   node rehearse.mjs WORKFLOW SCENARIO.json     writes the outcome into the scenario's folder: result.json,
//                                                summary.md
// The scenario: folder, remote (a git repository), github (the event), inputs, vars, secrets, environments ({name:
// {approved, vars, secrets}}), finding (of the scanner's stub), cancelAt (a step's output at which the run is
// cancelled), path (PATH).
// Jobs run one after another. Not simulated: concurrency, runners, and permissions, except those for packages.
// Exit codes: 0 success, 1 failure, 2 cancelled, 3 waits for approval, 4 the event doesn't start it, 9 not known.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { fill, fillTexts, holds } from "./evaluate.mjs";
import { standIns } from "./stand-ins.mjs";

const [file, scenarioFile] = process.argv.slice(2);
const workflow = parse(readFileSync(file, "utf8"));
const scenario = {
  scanned: [],
  attested: [],
  vars: {},
  secrets: {},
  environments: {},
  inputs: {},
  ...JSON.parse(readFileSync(scenarioFile)),
};
const { github } = scenario;
const summary = join(scenario.folder, "summary.md");
const say = (line) => console.log(line);
const run = { cancelled: false, waiting: false };

class Unknown extends Error {}

/** A key that isn't listed could mean anything. */
function only(where, thing, ...keys) {
  for (const key of Object.keys(thing)) if (!keys.includes(key)) throw new Unknown(`${where}: ${key}`);
}

/** Whether the event starts the workflow. */
function starts(on) {
  const event = on?.[github.event_name];
  if (event === undefined) return false;
  if (github.event_name !== "push") return true;
  only("on.push", event, "branches", "tags");
  const patterns = (github.ref_type === "tag" ? event.tags : event.branches) ?? [];
  // Of GitHub's patterns those without *, ? and !.
  return patterns.some((pattern) => {
    if (/[*?!]/.test(pattern)) throw new Unknown(`pattern ${pattern}`);
    return new RegExp(`^${pattern.replaceAll(".", "\\.")}$`).test(github.ref_name);
  });
}

const listOf = (value) => [value ?? []].flat();

/** Rows of a job's matrix; one empty row if there is none. */
function rowsOf({ strategy }, known) {
  if (!strategy) return [{}];
  only("strategy", strategy, "matrix", "fail-fast");
  only("matrix", strategy.matrix, "include");
  return fill(strategy.matrix.include, known);
}

/** All jobs that a job depends on, directly or not. */
const ancestors = (id) => listOf(workflow.jobs[id].needs).flatMap((need) => [need, ...ancestors(need)]);

async function runWorkflow() {
  only("workflow", workflow, "name", "on", "permissions", "concurrency", "env", "jobs");
  const done = {};
  const left = Object.keys(workflow.jobs);
  while (left.length > 0) {
    const next = left.findIndex((id) => listOf(workflow.jobs[id].needs).every((need) => done[need]));
    if (next < 0) throw new Unknown(`needs of ${left}`);
    const [id] = left.splice(next, 1);
    done[id] = await runJob(id, workflow.jobs[id], done);
    say(`== job ${id}: ${done[id].result}`);
  }
  return done;
}

async function runJob(id, job, done) {
  only(
    id,
    job,
    "needs",
    "if",
    "runs-on",
    "timeout-minutes",
    "permissions",
    "environment",
    "env",
    "outputs",
    "strategy",
    "steps",
  );
  const needs = Object.fromEntries(listOf(job.needs).map((need) => [need, done[need]]));
  const known = { github, vars: scenario.vars, needs, inputs: scenario.inputs };
  const results = ancestors(id).map((ancestor) => done[ancestor].result);
  if (results.includes("waiting")) return { result: "waiting", outputs: {} };
  const status = {
    success: !run.cancelled && results.every((result) => result === "success"),
    failure: !run.cancelled && results.includes("failure"),
    cancelled: run.cancelled,
  };
  if (!holds(job.if, known, status)) return { result: run.cancelled ? "cancelled" : "skipped", outputs: {} };
  const environment = job.environment && fill(job.environment, known);
  if (environment && !scenario.environments[environment]) throw new Unknown(`environment ${environment}`);
  if (environment && !scenario.environments[environment].approved) {
    run.waiting = true;
    return { result: "waiting", outputs: {} };
  }
  const all = { result: "success", outputs: {} };
  for (const matrix of rowsOf(job, known)) {
    const row = await runRow(id, job, { ...known, matrix }, scenario.environments[environment]);
    if (row.result !== "success") all.result = row.result;
    Object.assign(all.outputs, row.outputs);
  }
  return all;
}

async function runRow(id, job, base, environment = { vars: {}, secrets: {} }) {
  const home = mkdtempSync(join(scenario.folder, "job-"));
  const workspace = join(home, "workspace");
  mkdirSync(workspace);
  mkdirSync(join(home, "tmp"));
  const token = job.permissions?.packages ? scenario.token : "a token without rights";
  const known = {
    ...base,
    github: { ...github, token },
    vars: { ...scenario.vars, ...environment.vars },
    secrets: { ...scenario.secrets, ...environment.secrets },
    steps: {},
  };
  known.env = fillTexts(workflow.env, known);
  known.env = { ...known.env, ...fillTexts(job.env, known) };
  let result = "success";
  for (const [index, step] of job.steps.entries()) {
    only(`${id}, step ${index + 1}`, step, "name", "id", "if", "env", "run", "uses", "with", "working-directory");
    const status = { success: result === "success", failure: result === "failure", cancelled: run.cancelled };
    if (!holds(step.if, known, status)) continue;
    say(`-- ${id}: ${step.name ?? step.uses}`);
    const outcome = await runStep(step, known, { home, workspace });
    if (step.id) known.steps[step.id] = { outputs: outcome.outputs, outcome: outcome.result };
    if (outcome.result !== "success" && result === "success") result = outcome.result;
  }
  return { result, outputs: fillTexts(job.outputs, known) };
}

async function runStep(step, known, { home, workspace }) {
  const env = { ...known.env, ...fillTexts(step.env, known) };
  if (step.uses) {
    const action = step.uses.split("@")[0];
    if (!standIns[action]) throw new Unknown(`no stub for ${action}`);
    say(`   (a stub for ${action})`);
    try {
      standIns[action]({ with: fillTexts(step.with, known), env, workspace, scenario, github });
      return { result: "success", outputs: {} };
    } catch (error) {
      say(`   ${error.message}`);
      return { result: "failure", outputs: {} };
    }
  }
  const script = join(home, "step.sh");
  writeFileSync(script, String(step.run));
  const commands = Object.fromEntries(
    ["OUTPUT", "ENV", "PATH", "STEP_SUMMARY"].map((name) => [`GITHUB_${name}`, join(home, name)]),
  );
  for (const path of Object.values(commands)) writeFileSync(path, "");
  const code = await bash(script, join(workspace, step["working-directory"] ?? ""), {
    CI: "true",
    HOME: home,
    TMPDIR: join(home, "tmp"),
    PATH: scenario.path,
    DOCKER_HOST: scenario.engine,
    ...Object.fromEntries(
      ["sha", "ref", "ref_name", "ref_type", "event_name", "repository", "repository_owner", "actor"].map((name) => [
        `GITHUB_${name.toUpperCase()}`,
        github[name] ?? "",
      ]),
    ),
    ...commands,
    ...env,
  });
  for (const name of ["GITHUB_ENV", "GITHUB_PATH"])
    if (readFileSync(commands[name], "utf8")) throw new Unknown(`${name} was written`);
  appendFileSync(summary, readFileSync(commands.GITHUB_STEP_SUMMARY));
  const outputs = {};
  for (const line of readFileSync(commands.GITHUB_OUTPUT, "utf8").split("\n").filter(Boolean)) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (!name) throw new Unknown(`output ${line}`);
    outputs[name] = value;
  }
  if (code !== 0) say(`   exit code ${code}`);
  return { result: code === 0 ? "success" : run.cancelled && code === "cancelled" ? "cancelled" : "failure", outputs };
}

/** As GitHub runs a step without shell:. Cancelled by SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. */
function bash(script, cwd, env) {
  if (!existsSync(cwd)) throw new Unknown(`no folder ${cwd}`);
  const child = spawn("bash", ["-e", script], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let cancelled = false;
  const timers = [];
  const cancel = () => {
    cancelled = run.cancelled = true;
    say("   (somebody cancels the run)");
    const send = (signal) => () => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended.
      }
    };
    send("SIGINT")();
    timers.push(setTimeout(send("SIGTERM"), 7500), setTimeout(send("SIGKILL"), 10000));
  };
  const listen = (bytes) => {
    said += bytes;
    process.stdout.write(bytes);
    if (scenario.cancelAt && !run.cancelled && said.includes(scenario.cancelAt)) cancel();
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      timers.forEach(clearTimeout);
      resolve(cancelled ? "cancelled" : (code ?? signal));
    }),
  );
}

function conclusion(jobs) {
  const results = Object.values(jobs).map(({ result }) => result);
  if (run.cancelled) return ["cancelled", 2];
  if (results.includes("failure")) return ["failure", 1];
  return run.waiting ? ["waiting", 3] : ["success", 0];
}

try {
  mkdirSync(scenario.folder, { recursive: true });
  if (!starts(workflow.on)) {
    say(`${workflow.name} is not started by this`);
    process.exitCode = 4;
  } else {
    const jobs = await runWorkflow();
    const [word, code] = conclusion(jobs);
    writeFileSync(
      join(scenario.folder, "result.json"),
      JSON.stringify({ conclusion: word, jobs, scanned: scenario.scanned, attested: scenario.attested }, null, 2),
    );
    say(`== workflow ${workflow.name}: ${word}`);
    process.exitCode = code;
  }
} catch (error) {
  say(`the rehearsal stops: ${error instanceof Unknown ? `not known: ${error.message}` : error.stack}`);
  process.exitCode = 9;
}
