// Tables, complaints and docs/performance.md from results.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bars, lines } from './plot.mjs';
import { CONTROL, MIN_CONTROL_WRITES, scenarios, valueIn } from './scenarios.mjs';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const BEGIN = '<!-- written by llm-deploy/bench/run -->', END = '<!-- end -->';
const DISTURBED = 0.3, STOLEN = 0.2, FULL = 0.93;

const runsOf = (results, scenario, target) =>
  results.runs.filter(run => run.scenario === scenario && run.target === target);
const resultOf = (results, scenario, target, round) =>
  runsOf(results, scenario, target).find(run => run.round === round)?.result;
function median(numbers) {
  const sorted = numbers.filter(n => n !== undefined).sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
/** Median of the rounds; NaN if there is none. */
export const medianOf = (results, scenario, target, path) =>
  median(runsOf(results, scenario, target).map(({ round, result }) => {
    if (!path.startsWith('+')) return valueIn(result, path);
    const direct = valueIn(resultOf(results, scenario, 'direct', round), path.slice(1));
    const value = valueIn(result, path.slice(1));
    return direct === undefined || value === undefined ? undefined : value - direct;
  }));

const isDisturbed = ({ cores, verdict }) =>
  cores?.others > DISTURBED || cores?.stolen > STOLEN || verdict?.calm.length > 0;
function notesOf(results, scenario, target) {
  const all = runsOf(results, scenario, target).map(run => run.result), notes = [], faults = {};
  const count = (what, test) => {
    const n = all.filter(test).length;
    if (n) notes.push(`${what} ${n} of ${all.length}`);
  };
  count('failed', result => result.failed);
  count('disturbed', isDisturbed);
  // The harness' processor was full: less than the target can do.
  if (/^S[34]/.test(scenario)) count('harness-bound', result => result.cores?.harness > FULL);
  for (const { faults: some = {} } of all) {
    for (const [fault, n] of Object.entries(some)) if (fault !== 'all') faults[fault] = (faults[fault] ?? 0) + n;
  }
  return [...Object.entries(faults).map(([fault, n]) => `${n} ${fault.replaceAll('_', ' ')}`), ...notes].join(', ');
}

const row = cells => `| ${cells.join(' | ')} |`;
const head = titles => [row(titles), `|${'---|'.repeat(titles.length)}`];
const text = (value, digits) => Number.isFinite(value) ? value.toFixed(digits) : '–';

/** Medians of a scenario, in Markdown. */
export function tableOf(results, name) {
  const { what, columns } = scenarios[name];
  const names = results.targets.map(one => one.name).filter(target => runsOf(results, name, target).length);
  const cell = (target, [, path, digits, base]) => {
    const value = medianOf(results, name, target, path), ratio = value / medianOf(results, name, base, path);
    return text(value, digits) + (Number.isFinite(ratio) ? ` (${text(ratio, 2)} ×)` : '');
  };
  return [`### ${name}: ${what}`, '', ...head(['', ...columns.map(([title]) => title), 'notes']),
    ...names.map(target =>
      row([target, ...columns.map(column => cell(target, column)), notesOf(results, name, target)])),
    ''].join('\n');
}

/** What is wrong: of the harness, and of this server. */
export function complaintsOf(results) {
  const trusted = new Set(results.targets.filter(one => one.name === 'direct' || one.name === 'nginx' || one.isServer)
    .map(one => one.name));
  return results.runs.flatMap(({ scenario, target, round, result }) => {
    const found = [];
    if (result.failed) found.push(result.failed);
    const writes = result.calls?.writes;
    if (target === CONTROL && writes < MIN_CONTROL_WRITES) {
      found.push(`${writes.toFixed(2)} writes per token (at least ${MIN_CONTROL_WRITES}: it flushes each)`);
    }
    if (trusted.has(target)) {
      if (result.faults?.all) found.push(`${JSON.stringify(result.faults)}, first: ${result.firstFault}`);
      const { maxWrites } = scenarios[scenario];
      if (writes > maxWrites && target !== 'nginx') {
        found.push(`${writes.toFixed(2)} writes per token (at most ${maxWrites})`);
      }
      if (result.leaked) found.push(`${result.leaked} of ${result.dropped} streams stayed open`);
      if (scenario === 'S1' && result.near40.at > 20 && result.near40.at > 3 * result.near40.beside) {
        found.push(`${result.near40.at} tokens were late by about 40 ms`);
      }
      for (const kind of ['streams', 'peak', 'again', 'alive']) found.push(...result.verdict?.[kind] ?? []);
    }
    return found.map(complaint => `${scenario}, round ${round}, ${target}: ${complaint}`);
  });
}

/** JSON with a line for each run. */
export const toText = results => `{${Object.entries(results).map(([key, value]) => `"${key}":${Array.isArray(value)
  ? `[\n${value.map(one => JSON.stringify(one)).join(',\n')}\n]` : JSON.stringify(value)}`).join(',\n')}}\n`;

// ---- docs/performance.md
const SERIES = {
  streams: { title: 'streams', panels: [
    ['CPU ms per 1000 tokens', 'server.cpuMsPer1kTokens', 2], ['peak RSS MB', 'server.peakMb', 0]] },
  clients: { title: 'distinct clients', panels: [
    ['CPU ms per 1000 requests', 'server.cpuMsPer1kRequests', 1], ['RSS MB', 'server.rssMb', 0]] },
};
const namesIn = (results, series) => Object.keys(scenarios).filter(name => scenarios[name].series === series
  && results.runs.some(run => run.scenario === name));
const measured = (results, all) => results.targets.map(one => one.name)
  .filter(target => all.some(name => runsOf(results, name, target).length));

function growth(results, series) {
  const all = namesIn(results, series), { title, panels } = SERIES[series], targets = measured(results, all);
  if (!all.length) return [];
  writeFileSync(`${DOCS}/performance/${series}.svg`, lines(title, all.map(name => scenarios[name].n),
    panels.map(([label, path]) => ({ label, of: Object.fromEntries(targets.map(target =>
      [target, all.map(name => medianOf(results, name, target, path))])) }))));
  const columns = targets.flatMap(target => panels.map(([label, path, digits]) => ({ target, label, path, digits })));
  return [`### Growth with ${title}`, '', `![${title}](performance/${series}.svg)`, '',
    ...head([title, ...columns.map(({ target, label }) => `${target}: ${label}`)]),
    ...all.map(name => row([scenarios[name].n, ...columns.map(({ target, path, digits }) =>
      text(medianOf(results, name, target, path), digits))])), ''];
}
function comparison(results) {
  const all = ['S1', 'S2', 'S3', 'S4'].filter(name => results.runs.some(run => run.scenario === name));
  const targets = measured(results, all).filter(target => target !== 'direct');
  if (!all.length || !targets.includes('nginx')) return [];
  const relative = (name, target) => {
    const path = scenarios[name].columns[0][1];
    return medianOf(results, name, target, path) / medianOf(results, name, 'nginx', path);
  };
  writeFileSync(`${DOCS}/performance/cpu.svg`, bars('CPU per token (S1 to S3) or request (S4), in multiples of nginx',
    all.map(name => ({ label: `${name}: ${scenarios[name].what}`,
      of: Object.fromEntries(targets.map(target => [target, relative(name, target)])) }))));
  return ['![CPU in multiples of nginx](performance/cpu.svg)', ''];
}
/** Writes docs/performance.md between its marks, its plots, and the raw results beside them. */
export function publish(results) {
  const { machine, options, begun } = results, file = `${DOCS}/performance.md`, page = readFileSync(file, 'utf8');
  const [before, after] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
  if (before < BEGIN.length || after < before) throw new Error(`${file}: (expected: ${BEGIN}, then ${END})`);
  mkdirSync(`${DOCS}/performance`, { recursive: true });
  writeFileSync(`${DOCS}/performance/results.json`, toText(results));
  const tables = Object.keys(scenarios).filter(name => !scenarios[name].series
    && results.runs.some(run => run.scenario === name)).map(name => tableOf(results, name));
  const rounds = +options.rounds === 1 ? 'one round' : `${options.rounds} rounds`;
  const written = ['', `${begun.slice(0, 10)}, ${rounds}, JVMs warmed up for ${options['jit-warm']} s before each `
    + 'scenario. '
    + `${machine.processors} × ${machine.processor}, Linux ${machine.kernel}, ${machine.java}. `
    + '[Raw results](performance/results.json).', '', ...comparison(results),
    ...head(['', 'what', 'sha256 of its files']),
    ...results.targets.map(({ name, what, sha256 }) => row([name, what, sha256 ? `\`${sha256}\`` : ''])), '',
    ...tables, ...growth(results, 'streams'), ...growth(results, 'clients')];
  writeFileSync(file, page.slice(0, before) + written.join('\n') + page.slice(after));
}
