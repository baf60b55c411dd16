// What is asked of each target, and what is shown of it.
// A column: its title, the path of its value in a result ("+…": what is added to direct's in the same round), digits,
// and the target to which its ratio is shown.
const CPU_TOKEN = ['CPU ms per 1000 tokens', 'server.cpuMsPer1kTokens', 2, 'nginx'];
const CPU_REQUEST = ['CPU ms per 1000 requests', 'server.cpuMsPer1kRequests', 1, 'nginx'];
const PEAK = ['peak RSS MB', 'server.peakMb', 0];
const HARNESS = ['harness cores', 'cores.harness', 2];
const TTFT = [['TTFT p50 ms', 'ttft.p50', 2], ['p99', 'ttft.p99', 2]];

const LATENCY = [CPU_TOKEN, ['added TTFT p50 ms', '+ttft.p50', 2], ['p99', '+ttft.p99', 2],
  ['added token delay p50 ms', '+transit.p50', 3], ['p99', '+transit.p99', 3], ['delays near 40 ms', 'near40.at', 0]];
const FAN_OUT = [CPU_TOKEN, ...TTFT, ['token delay p50 ms', 'transit.p50', 2], ['p99', 'transit.p99', 2],
  ['gap p99 ms', 'gap.p99', 1], PEAK, ['cores', 'server.cores', 2]];
const SATURATION = [CPU_TOKEN, ['tokens/s', 'tokensPerS', 0], ['request p99 ms', 'request.p99', 0], PEAK, HARNESS];
const SHORT = [CPU_REQUEST, ['requests/s', 'requestsPerS', 0], ['p50 ms', 'request.p50', 2], ['p99', 'request.p99', 2],
  PEAK, HARNESS];
const LEAVING = [['left', 'dropped', 0], ['aborts upstream', 'seen', 0], ['leaked', 'leaked', 0],
  ['aborted after p50 ms', 'abort.p50', 1], ['p99', 'abort.p99', 1], ['max', 'abort.max', 1]];
export const CONTROL = 'scg', MIN_CONTROL_WRITES = 0.7;
const START = [['ready after ms', 'readyMs', 0, 'empty'], ['CPU ms until then', 'cpuMs', 0, 'empty'],
  ['RSS MB', 'rssMb', 0], ['PSS MB', 'pssMb', 0], ['first 1000 requests: CPU ms', 'server.cpuMsPer1kRequests', 0]];
const FLOOD = [['peak MB, quiet', 'peakMb.quiet', 0], ['first attack', 'peakMb.attack', 0],
  ['second', 'peakMb.again', 0], ['slowest token ms', 'maxTokenMs', 0], ['broken streams', 'broken', 0]];
const GROWTH = [CPU_TOKEN, ['token delay p99 ms', 'transit.p99', 2], PEAK];
const CALLS = [['writes', 'calls.writes', 2], ['reads', 'calls.reads', 2], ['waits', 'calls.waits', 2],
  ['futexes', 'calls.futexes', 2]];
const CLIENTS = [CPU_REQUEST, ['RSS after MB', 'server.rssMb', 0]];

const AS_FAST = '--model bench-t500-r0-b8 --conc 64', ONE_BY_ONE = '--model bench-t1-r0 --collected --conc 64';
const fanOut = streams => {
  const same = `--model bench-t50-r10-s --conc ${streams} --ramp ${Math.max(1000, streams)}`;
  return { warmUp: streams < 1000 ? AS_FAST : same, load: `${same} --requests ${Math.max(4, streams)} --max-time 90` };
};
const servers = target => target.isServer, gateways = target => target.peer && !target.isEmpty;
const counted = target => target.isServer || target.name === 'nginx';

// kind: "load" runs the generator against warm targets; the others start them afresh in each round.
// maxWrites: of this server, per token. The control flushes each token, so its writes show that all calls are counted.
// warmUp: the load before it, for --jit-warm seconds.
export const scenarios = {
  S1: { kind: 'load', what: '20 streams of 50 tokens/s, one token a write', columns: LATENCY, warmUp: AS_FAST,
    load: '--model bench-t100-r50-d20-s --conc 20 --requests 60 --ramp 2000 --max-time 40' },
  S2: { kind: 'load', what: '1000 streams of 10 tokens/s', columns: FAN_OUT, ...fanOut(1000) },
  S2x: { kind: 'load', what: '3000 streams of 10 tokens/s', columns: FAN_OUT, ...fanOut(3000) },
  S3: { kind: 'load', what: '64 streams as fast as possible, eight tokens a write', columns: SATURATION,
    warmUp: AS_FAST, load: `${AS_FAST} --duration 4 --warmup 1 --max-time 40` },
  S4: { kind: 'load', what: '64 connections with short non-streaming requests', columns: SHORT, warmUp: ONE_BY_ONE,
    load: `${ONE_BY_ONE} --duration 3 --warmup 1 --max-time 30` },
  S5: { kind: 'load', what: '200 clients that leave after five tokens', columns: LEAVING, warmUp: AS_FAST,
    load: '--model bench-t300-r20 --conc 200 --requests 200 --ramp 1000 --drop-after 5 --linger 6 --max-time 20' },
  S5w: { kind: 'load', what: '200 clients that leave 200 ms after they asked, before the first token', columns: LEAVING,
    warmUp: AS_FAST, load: '--model bench-t20-r20-d10000 --conc 200 --requests 200 --ramp 1000 --drop-wait 200 '
      + '--linger 6 --max-time 20' },
  S6: { kind: 'flood', what: '400 connections that each send 1 MB slowly, twice, while 20 streams run', columns: FLOOD,
    of: servers, rounds: 1 },
  'S1-calls': { kind: 'calls', what: 'system calls per token, one token a write', columns: CALLS, of: counted,
    rounds: 1, maxWrites: 1.15, warmUp: AS_FAST,
    load: '--model bench-t100-r50-d20-s --conc 20 --requests 20 --ramp 1000 --max-time 40' },
  'S3-calls': { kind: 'calls', what: 'system calls per token, eight tokens a write', columns: CALLS,
    of: target => counted(target) || target.name === CONTROL, rounds: 1, maxWrites: 0.2, warmUp: AS_FAST,
    load: `${AS_FAST} --duration 3 --max-time 40` },
  start: { kind: 'start', what: 'from exec to the first 200; memory 2 s later; then 1000 requests', columns: START,
    of: target => target.peer, load: `${ONE_BY_ONE} --requests 1000` },
};
const growth = {
  streams: [1, 10, 100, 1000, 3000].map(streams => ({ n: streams, kind: 'load', rounds: 1, columns: GROWTH,
    what: `${streams} streams of 10 tokens/s`, of: gateways, ...fanOut(streams) })),
  clients: [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].map(clients => ({ n: clients, kind: 'fresh', rounds: 1,
    columns: CLIENTS, what: `${clients} distinct clients`, of: servers,
    load: `${ONE_BY_ONE} --clients ${clients} --requests ${Math.max(20_000, clients)} --max-time 1800` })),
};
for (const [series, all] of Object.entries(growth)) {
  for (const one of all) scenarios[`${series}-${one.n}`] = { ...one, series };
}
for (const scenario of Object.values(scenarios)) scenario.of ??= target => !target.isEmpty;

/** Names of scenarios; "growth", "streams" and "clients" stand for several. */
export const named = text => text.split(',').flatMap(name => {
  const all = Object.keys(scenarios).filter(one => one === name || scenarios[one].series === name
    || (name === 'growth' && scenarios[one].series));
  if (!all.length) throw new Error(`--scenarios: ${name} (expected: ${Object.keys(scenarios).join(', ')})`);
  return all;
});
export const DEFAULT = Object.keys(scenarios).filter(name => !scenarios[name].series).join();

/** A number in a result, or undefined. */
export const valueIn = (result, path) => {
  const value = path.split('.').reduce((part, key) => part?.[key], result);
  return value >= 0 ? value : undefined;
};
