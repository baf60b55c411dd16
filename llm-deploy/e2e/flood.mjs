// Tries to exhaust a server's memory, and checks whether other clients notice. The server needs this file's own Ollama
// as OLLAMA_BASE_URL, RATE_LIMIT_RPM=0, and should trust this machine as a proxy, so that clients have names.
//   node flood.mjs URL [--ollama HOST:PORT] [--phases NAME,…] [--connections 400] [--hold SECONDS] [--streams 20]
//                      [--health-ms 100]              how long /health may take, beyond an unattacked server's
//                                                     time
//                      [--pid PID --limit-mb MB]      also judges the memory of that process, which has that limit
//                      [--growth 1.1]                 how much higher its peak may be in a second attack
// Prints one line of JSON for each phase, then the verdict; fails if the verdict has a complaint.
// The streams with their Ollama, and the requests for /health, have their own processes, so as not to be late. Each
// prints how late its own timers were ("late"), and an unattacked server's time meanwhile ("control").
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attacks, closeAll, honest, sockets } from './flood/attacks.mjs';
import { MAX_HEALTH_MS, forget, hold, latest, now, options, round, sleep, url } from './flood/common.mjs';
import { isThere, memory, pids, processors, resetPeak } from './flood/memory.mjs';
import { lostSince, network } from './flood/network.mjs';

const MAX_TOKEN_MS = 1000, MAX_LATE_MS = 2000, MAX_PEAK = 0.85, MAX_RECOVERY_MS = 20_000;
// In these attacks /health may be slow, but memory is bounded and no stream is disturbed.
// In the others no client notices anything.
const SLOW = ['one byte', 'unread', 'pipelined', 'pipelined questions', 'half a head'];
options.phases ??= Object.keys(attacks).join();

const child = role => {
  const process_ = fork(fileURLToPath(new URL(`flood/${role}.mjs`, import.meta.url)), process.argv.slice(2));
  pids.push(process_.pid);
  let resolve;
  process_.on('message', answer => resolve(answer));
  process_.on('exit', code => { if (code) { console.error(`${role} ended`); process.exit(2); } });
  return { ask: message => new Promise(r => { resolve = r; process_.send(message); }), kill: () => process_.kill() };
};
const control = child('control'), streamer = child('streams'), prober = child('health');
await sleep(500);
await streamer.ask('start');
// A server that has just started is slow by itself.
const warm = honest();
await sleep(10_000);
await warm();
await streamer.ask('');
await prober.ask('');
const verdict = { calm: [], streams: [], health: [], honest: [] };
const peaks = {};
// Milliseconds until ten answers in a row took less than 250 ms each: an attack's unfinished work must not count
// for the next one.
const recovery = async () => {
  const start = now(), end = start + MAX_RECOVERY_MS + 10_000;
  for (let fast = 0; fast < 10 && now() < end && isThere(); await sleep(20)) {
    const asked = now();
    const request = { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) };
    const ok = await fetch(new URL('/health', url), request).then(r => r.text().then(() => r.ok)).catch(() => false);
    fast = ok && now() - asked < 250 ? fast + 1 : 0;
  }
  return Math.round(now() - start);
};
const run = async phase => {
  resetPeak();
  const before = memory(), packets = network(), start = now(), cpu = processors(), stop = honest();
  const result = phase === 'quiet' ? await sleep(hold) : await attacks[phase]();
  await streamer.ask('release');
  // Waits for the remaining answers.
  for (let i = 0; i < 80 && sockets.some(one => one.whole && !one.closed && !one.answer); i++) await sleep(100);
  await sleep(500);
  const answers = {};
  for (const one of sockets) {
    const seen = one.answer ?? (one.closed ? 'closed' : 'nothing');
    const answer = one.answer === '503' && !one.closed ? `${seen}, left open` : seen;
    answers[answer] = (answers[answer] ?? 0) + 1;
  }
  const takenMb = Math.round(sockets.reduce((sum, one) => sum + one.sent, 0) / 1e6);
  closeAll();
  const others = await stop(), used = processors(cpu), recoveredMs = await recovery();
  await sleep(2000);
  const streams = await streamer.ask(''), probes = await prober.ask(''), after = memory();
  // A process that ends takes its figures with it; the prober looks all the time.
  if (!isThere()) after.peakMb = probes.peakMb;
  const figures = {
    phase, seconds: round((now() - start) / 1000), takenMb, held: result?.held, answers,
    honest: others, streams, health: probes, recoveredMs,
    memory: { beforeMb: before.rssMb, ...after }, cores: used, lost: lostSince(packets),
    lateMs: latest(start),
  };
  console.log(JSON.stringify(figures));
  forget();
  return figures;
};
const judge = ({ phase, streams, health, honest, memory, lost, recoveredMs, lateMs }) => {
  peaks[phase] = memory.peakMb;
  if (lateMs > MAX_LATE_MS) {
    verdict.calm.push(`${phase}: the attack was late by ${lateMs} ms, and so weaker than it is meant to be`);
  }
  if (Object.keys(streams.errors).length || streams.running < +options.streams) {
    verdict.streams.push(`${phase}: ${JSON.stringify(streams.errors)}`);
  }
  if (recoveredMs > MAX_RECOVERY_MS) verdict.health.push(`${phase}: slow for ${recoveredMs} ms after the attack`);
  if (SLOW.includes(phase)) return;
  if (streams.maxms > MAX_TOKEN_MS) verdict.streams.push(`${phase}: a token after ${streams.maxms} ms`);
  const unanswered = Object.keys(health.unanswered).length > 0;
  if (unanswered || !health.asked || health.maxms - (health.controlMaxms ?? 0) > MAX_HEALTH_MS) {
    const details = { unanswered: health.unanswered, slowest: health.slowest[0], lost };
    verdict.health.push(`${phase}: ${health.maxms} ms (${health.controlMaxms} ms where nobody attacks), ${health.asked}`
      + ` answers, ${JSON.stringify(details).replaceAll('"', "'")}`);
  }
  const servesAll = ['quiet', 'one client', 'announced'].includes(phase);
  if (servesAll && Object.keys(honest.answers).some(answer => answer !== '200')) {
    verdict.honest.push(`${phase}: ${JSON.stringify(honest.answers)}`);
  }
};
// If an unattacked server is slow, an attacked one can't be judged.
let quiet;
for (let i = 0; i < 5; i++) {
  quiet = await run('quiet');
  if (quiet.health.maxms < MAX_HEALTH_MS / 2 || !isThere()) break;
}
if (!(quiet.health.maxms < MAX_HEALTH_MS)) verdict.calm.push(`unattacked, /health took ${quiet.health.maxms} ms`);
for (const phase of options.phases.split(',')) {
  judge(await run(phase));
  if (!isThere()) break;
}
const end = await streamer.ask('end');
if (Object.keys(end.errors).length || end.running) {
  verdict.streams.push(`at the end: ${end.running} still run, ${JSON.stringify(end.errors)}`);
}
if (options.pid) {
  const high = Object.keys(peaks).filter(phase => peaks[phase] > MAX_PEAK * options.limit);
  verdict.peak = high.map(phase => `${phase}: ${peaks[phase]} MB of ${options.limit}`);
  const twice = options.phases.split(',').includes('again');
  const higher = twice && !(peaks.again <= options.growth * peaks.attack);
  verdict.again = higher ? [`${peaks.again ?? 'unknown'} MB after ${peaks.attack}`] : [];
  verdict.alive = isThere() && memory().oomKills === 0 ? [] : [`ended in "${Object.keys(peaks).at(-1)}"`];
}
console.log(JSON.stringify({ verdict, highestPeakMb: Math.max(...Object.values(peaks)), end }));
[streamer, prober, control].forEach(one => one.kill());
process.exit(Object.values(verdict).every(complaints => complaints.length === 0) ? 0 : 1);
