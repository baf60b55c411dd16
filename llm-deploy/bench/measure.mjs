// Runs scenarios over targets in interleaved rounds: called by run, which says how.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  LIMIT_MB, calm, countCalls, cpuMs, describe, killAll, memoryOf, processesOf, sleep, statusOf,
} from './machine.mjs';
import { complaintsOf, publish, tableOf, toText } from './report.mjs';
import { DEFAULT, named, scenarios } from './scenarios.mjs';
import { NAMES, targetsOf } from './targets.mjs';

const EMULATOR_PORT = 11511, FLOOD_OLLAMA = '127.0.0.1:21435', PEER_WARM_S = 2, DISTURBED = 0.25;
const UPSTREAM = `http://127.0.0.1:${EMULATOR_PORT}`;
// The harness shares the other processor.
const PINNED = ['-c', '0'];
const { values: options } = parseArgs({ options: {
  scenarios: { type: 'string', default: DEFAULT }, targets: { type: 'string', default: NAMES.join() },
  target: { type: 'string', multiple: true, default: [] }, rounds: { type: 'string', default: '5' },
  'jit-warm': { type: 'string', default: '60' }, retries: { type: 'string', default: '1' },
  publish: { type: 'boolean', default: false },
} });
const chosen = named(options.scenarios);
const targets = targetsOf(options.targets.split(',').filter(Boolean), options.target, EMULATOR_PORT);
const begun = new Date().toISOString();
const results = { begun, options, machine: describe(), targets: [], runs: [], complaints: [] };
const file = `target/results/${begun.slice(0, 16).replace(':', '')}.json`;
const say = text => console.error(`[${Math.round(performance.now() / 1000)} s] ${text}`);
const save = () => writeFileSync(file, toText(results));

let emulator, running;
const ask = path => fetch(`${UPSTREAM}${path}`).then(response => response.json());
const run = (command, words) => new Promise(resolve => {
  running = execFile('taskset', [...PINNED, command, ...words], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
    resolve({ stdout, stderr: stderr || String(error ?? '') });
  });
});

async function generate(target, load) {
  const words = ['--port', target.port, '--emulator-port', EMULATOR_PORT, '--emulator-pid', emulator.pid,
    ...target.pid ? ['--pid', target.pid] : [], ...load.split(' ')];
  const { stdout, stderr } = await run('target/generator', words.map(String));
  // What a target leaked must not be there in the next run.
  for (let i = 0; i < 125 && (await ask('/stats')).active; i++) await sleep(200);
  await ask('/reset');
  try {
    const result = JSON.parse(stdout);
    result.cores.harness = result.cores.generator + result.cores.emulator;
    return result;
  } catch { return { failed: stderr.slice(-300) }; }
}
const warmUp = (target, load) =>
  generate(target, `${load} --duration ${target.isJvm ? options['jit-warm'] : PEER_WARM_S}`);
// A run that others disturbed is done again; the least disturbed one counts.
async function leastDisturbed(target, load) {
  let best;
  for (let attempt = 0; attempt <= +options.retries; attempt++) {
    if (+options.retries) await calm();
    const result = { ...await generate(target, load), attempt };
    if (!best || result.cores?.others < best.cores?.others) best = result;
    if (best.cores?.others < DISTURBED) break;
  }
  return best;
}

const note = (scenario, target, round, result) => {
  results.runs.push({ scenario, target: target.name, round, result });
  const faults = result.failed ?? (result.faults?.all ? JSON.stringify(result.faults) : '');
  say(`${scenario}, round ${round}, ${target.name}: others ${result.cores?.others ?? '-'} cores ${faults}`);
};
// With each round another target comes first.
const turned = (list, round) => [...list.slice(round % list.length), ...list.slice(0, round % list.length)];

async function underLoad(name, scenario, all, rounds) {
  try {
    for (const target of all) {
      await target.start(UPSTREAM);
      await warmUp(target, scenario.warmUp);
    }
    for (let round = 0; round < rounds; round++) {
      for (const target of turned(all, round)) note(name, target, round, await leastDisturbed(target, scenario.load));
    }
  } finally {
    for (const target of all) await target.stop();
  }
}
const afresh = {
  async start(target, { load }) {
    const readyMs = await target.start(UPSTREAM), cpu = cpuMs(target.pid);
    await sleep(2000);
    const idle = { readyMs, cpuMs: cpu, ...memoryOf(target.pid) };
    return target.isEmpty ? idle : { ...await generate(target, load), ...idle };
  },
  async fresh(target, { load }) {
    await target.start(UPSTREAM);
    return generate(target, load);
  },
  // strace slows the target down: only the numbers of calls count.
  async calls(target, { warmUp: load, load: counted }) {
    await target.start(UPSTREAM);
    await warmUp(target, load);
    const counting = await countCalls(target.pid);
    const { tokens, faults, failed } = await generate(target, counted), calls = await counting();
    return failed ? { failed } : { faults, calls: Object.fromEntries(
      Object.entries(calls).map(([kind, count]) => [kind, count / tokens])) };
  },
  // The attack is that of e2e/test-flood, whose Ollama and streams are its own.
  async flood(target) {
    await target.start(`http://${FLOOD_OLLAMA}`);
    const { stdout, stderr } = await run('node', ['../e2e/flood.mjs', `http://127.0.0.1:${target.port}`, '--ollama',
      FLOOD_OLLAMA, '--phases', 'attack,again', '--pid', target.pid, '--limit-mb', LIMIT_MB].map(String));
    const lines = stdout.trim().split('\n').map(line => { try { return JSON.parse(line); } catch { return {}; } });
    const { verdict, end } = lines.pop(), phases = Object.fromEntries(lines.map(line => [line.phase, line]));
    if (!verdict) return { failed: stderr.slice(-300) };
    const streams = lines.map(line => line.streams);
    return { verdict, phases, peakMb: Object.fromEntries(lines.map(line => [line.phase, line.memory.peakMb])),
      maxTokenMs: Math.max(...streams.map(one => one.maxms)), broken: Object.keys(end.errors).length };
  },
};
async function eachAfresh(name, scenario, all, rounds) {
  for (let round = 0; round < rounds; round++) {
    for (const target of turned(all, round)) {
      await calm();
      try {
        note(name, target, round, await afresh[scenario.kind](target, scenario));
      } finally { await target.stop(); }
    }
  }
}

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  if (running?.exitCode === null) killAll(processesOf(running.pid));
  for (const target of targets) await target.stop();
  emulator?.kill();
  save();
  say(`results: ${file}`);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end().finally(() => process.exit(1)));

mkdirSync('target/results', { recursive: true });
try {
  for (const target of targets) target.prepare();
  results.targets = targets.map(target => target.describe());
  for (const { name, what, sha256 } of results.targets) say(`${name}: ${what}${sha256 ? `, files ${sha256}` : ''}`);
  if (await statusOf(EMULATOR_PORT, '/')) throw new Error(`port ${EMULATOR_PORT} is another's`);
  emulator = spawn('taskset', [...PINNED, 'target/emulator', EMULATOR_PORT], { stdio: 'inherit' });
  while (!await statusOf(EMULATOR_PORT, '/stats')) await sleep(50);
  for (const name of chosen) {
    if (ending) break;
    const scenario = scenarios[name], all = targets.filter(scenario.of);
    const rounds = Math.min(+options.rounds, scenario.rounds ?? Infinity);
    say(`${name}: ${scenario.what}`);
    try {
      await (scenario.kind === 'load' ? underLoad : eachAfresh)(name, scenario, all, rounds);
    } catch (e) { results.complaints.push(`${name}: ${e.message}`); }
    if (!scenario.series) console.log(tableOf(results, name));
    save();
  }
  results.complaints.push(...complaintsOf(results));
  if (options.publish) publish(results);
} catch (e) {
  results.complaints.push(e.message);
} finally { await end(); }
for (const complaint of results.complaints) console.log(`NOT OK: ${complaint}`);
process.exit(results.complaints.length ? 1 : 0);
