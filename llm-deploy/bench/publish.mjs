// Writes docs/performance.md from files of results, of which the last with a scenario counts: called by run.
import { readFileSync } from 'node:fs';
import { publish } from './report.mjs';

const [first, ...more] = process.argv.slice(2).map(file => JSON.parse(readFileSync(file, 'utf8')));
for (const { runs, targets } of more) {
  // A server is its files: publishing changes the documents, and so the name of its version.
  const other = targets.find(({ name, what, sha256, isServer }) => first.targets.some(one => one.name === name
    && (one.sha256 !== sha256 || !isServer && one.what !== what)));
  if (other) throw new Error(`${other.name}: ${other.what} (expected: the same in all files)`);
  first.runs = first.runs.filter(old => runs.every(run => run.scenario !== old.scenario)).concat(runs);
  first.targets.push(...targets.filter(({ name }) => first.targets.every(one => one.name !== name)));
}
publish(first);
