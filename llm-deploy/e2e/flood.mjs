// Tries to exhaust a server's memory, and looks whether others notice. The server must have this file's own Ollama as its
// OLLAMA_BASE_URL, and RATE_LIMIT_RPM=0; whoever runs this should be a trusted proxy of it, so that clients have names.
//   node flood.mjs URL [--ollama HOST:PORT] [--phases NAME,…] [--connections 400] [--hold SECONDS] [--streams 20]
//                      [--pid PID --limit-mb MB]      also judges the memory of that process, which has that limit
// Prints one line of JSON for each phase, then the verdict; fails if anything in the verdict is false.
// What must not be late has processes of its own: the streams with their Ollama, and the one who asks for /health. Each tells how
// late its own timers were ("late"), and what a server that nobody attacks takes meanwhile ("control").
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

const MAX_HEALTH_MS = 100, MAX_TOKEN_MS = 1000, MAX_PEAK = 0.85, MAX_GROWTH = 1.1;
const BODY_BYTES = 1_000_000, HONEST_BYTES = 100_000, COLLECTED_BYTES = 7_000_000;
// In all of these nobody else may notice anything; in the others /health may be slow, but memory is bounded.
const JUDGED = ['attack', 'again', 'one client', 'late', 'drip', 'announced', 'one byte', 'collected', 'tool calls'];
const TOLD = ['unread', 'pipelined', 'pipelined questions', 'half a head'];

const [url, ...words] = process.argv.slice(2);
const options = { ollama: '127.0.0.1:21435', phases: [...JUDGED, ...TOLD].join(), connections: '400', hold: '6', streams: '20', role: 'main' };
for (let i = 0; i < words.length; i += 2) options[words[i].replace(/^--/, '').replace('-mb', '')] = words[i + 1];
const target = new URL(url), host = target.hostname, port = +target.port;
const [ollamaHost, ollamaPort] = options.ollama.split(':');
const connections = +options.connections, hold = options.hold * 1000;
const sleep = ms => new Promise(r => setTimeout(r, ms));
const now = () => performance.now();
const round = ms => Math.round(ms * 10) / 10;
const quantile = (sorted, q) => sorted.length ? round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]) : null;

// More may be asked of the machine than it has: a process that was itself late says so.
let expected = now() + 10, late = [];
setInterval(() => {
  if (now() - expected > 10) late.push([now(), now() - expected]);
  expected = now() + 10;
}, 10);
const latest = since => round(Math.max(0, ...late.filter(([at]) => at >= since).map(([, ms]) => ms), now() - expected));
const nice = priority => { try { os.setPriority(priority); } catch { /* without the right to it, as it comes */ } };

const CHAT = '/v1/chat/completions';
const chat = (prompt, stream) => JSON.stringify({ stream, messages: [{ role: 'user', content: prompt }] });
const head = (length, name, type = 'content-length') => `POST ${CHAT} HTTP/1.1\r\nhost: ${target.host}\r\ncontent-type: application/json\r\n`
  + `x-client-id: ${name}\r\ncf-connecting-ip: 10.${name.length}.0.${parseInt(name.replace(/\D/g, '') || '1') % 250}\r\n${type}: ${length}\r\n\r\n`;
const whole = (body, name) => head(Buffer.byteLength(body), name) + body;

/* ---- an Ollama whose tokens are numbered and tell when they were sent ---- */

const line = (message, rest = '"done":false') =>
  `{"model":"simulator","created_at":"2026-11-28T00:00:00.00Z","message":{"role":"assistant",${message}},${rest}}\n`;
const LAST = line('"content":""', '"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":1');
const TAGS = '{"models":[{"name":"simulator:latest","model":"simulator:latest","modified_at":"2026-11-28T00:00:00Z","capabilities":["completion"]}]}';
let counting = true, filled = 0;
const inHand = new Set();

function ollama() {
  http.createServer((request, response) => {
    response.setHeader('content-type', request.url === '/api/chat' ? 'application/x-ndjson' : 'application/json');
    if (request.url !== '/api/chat') { request.resume(); response.end(request.url === '/api/tags' ? TAGS : '{"version":"0.33.0"}'); return; }
    let body = '';
    request.on('data', chunk => { body += chunk; });
    request.on('end', () => {
      const prompt = JSON.parse(body).messages.at(-1).content;
      inHand.add(response);
      response.on('close', () => inHand.delete(response));
      if (prompt === 'count') count(response, 0);
      else if (prompt.startsWith('fill ')) fill(response, ...prompt.split(' ').slice(1));
      else response.end(line('"content":"yes"') + LAST);
    });
  }).listen(+ollamaPort, ollamaHost);
}

function count(response, i) {
  if (response.destroyed) return;
  if (!counting) { response.end(line(`"content":"${i}@end "`) + LAST); return; }
  response.write(line(`"content":"${i}@${now().toFixed(1)} "`));
  setTimeout(() => count(response, i + 1), 50);
}

// As fast as it is taken. KIND is text or tools; an answer of BYTES, which ends when it is released, or never.
async function fill(response, kind, bytes) {
  const piece = 'x'.repeat(50_000);
  for (let sent = 0; sent < +bytes && !response.destroyed; sent += piece.length) {
    const message = kind === 'tools'
      ? `"content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"x":"${piece}"}}}]` : `"content":"${piece}"`;
    filled += piece.length;
    // Others have their turn after each piece.
    if (response.write(line(message))) await new Promise(setImmediate); else await drained(response);
  }
  response.release = () => response.end(LAST);
}

const drained = response => new Promise(r => {
  const go = () => { response.off('drain', go).off('close', go); r(); };
  response.on('drain', go).on('close', go);
});

/* ---- streams, each of their tokens checked ---- */

function streams() {
  nice(-5);
  ollama();
  let delays = [], tokens = 0, since = now();
  const errors = {}, running = new Set();
  const one = i => {
    let rest = '', text = '', next = 0, ended = false, done = false, over = false;
    const finish = why => {
      if (over) return;
      over = true;
      running.delete(i);
      if (why) errors[why] = (errors[why] ?? 0) + 1;
      request.destroy();
    };
    const token = word => {
      const [number, sent] = word.split('@');
      if (+number !== next++) finish(`token ${number} for ${next - 1}`);
      tokens++;
      if (sent !== 'end') delays.push(now() - sent);
    };
    const frame = data => {
      if (data.startsWith(':')) return;
      if (done || !data.startsWith('data: ')) { finish('a frame that is none'); return; }
      if (data === 'data: [DONE]') { done = true; return; }
      const json = JSON.parse(data.slice(6));
      if (json.error) { finish(`error frame ${json.error.code}`); return; }
      text += json.choices[0].delta.content ?? '';
      const words = text.split(' ');
      text = words.pop();
      words.forEach(token);
      ended ||= json.choices[0].finish_reason === 'stop';
    };
    const request = http.request({ host, port, method: 'POST', path: CHAT, agent: false,
      headers: { 'content-type': 'application/json', 'x-client-id': `stream-${i}` } }, response => {
      if (response.statusCode !== 200) { finish(`status ${response.statusCode}`); return; }
      response.setEncoding('utf8');
      response.on('data', chunk => {
        const frames = (rest + chunk).split('\n\n');
        rest = frames.pop();
        try { frames.forEach(frame); } catch (e) { finish(e.message); }
      });
      response.on('error', e => finish(e.code ?? e.message));
      response.on('end', () => finish(counting || !ended || !done || rest !== '' || text !== '' ? 'cut' : ''));
    });
    request.on('error', e => finish(e.code ?? e.message));
    running.add(i);
    request.end(chat('count', true));
  };
  process.on('message', async message => {
    if (message === 'start') for (let i = 0; i < +options.streams; i++) one(i);
    if (message === 'release') inHand.forEach(response => response.release?.());
    if (message === 'end') { counting = false; for (let i = 0; i < 50 && running.size; i++) await sleep(100); }
    delays.sort((a, b) => a - b);
    process.send({ running: running.size, tokens, filledMb: Math.round(filled / 1e6), p99ms: quantile(delays, 0.99), maxms: quantile(delays, 1), errors: { ...errors }, lateMs: latest(since) });
    delays = [];
    late = [];
    tokens = filled = 0;
    since = now();
  });
}

/* ---- /health every 50 ms, over a new connection and a kept one in turn, whether or not the one before was answered ---- */

function health() {
  nice(-10);
  const kept = [];
  let took = [], control = [], unanswered = 0, slow = [], open = 0, since = now();
  const ask = (where, path, keep, then) => {
    const start = now();
    const socket = (keep && kept.pop()) || net.connect(where);
    let over = false, text = '';
    const end = ok => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      if (ok && keep) { socket.on('close', () => kept.splice(kept.indexOf(socket) >>> 0, 1)); kept.push(socket); } else socket.destroy();
      then(ok, now() - start, start);
    };
    const timer = setTimeout(() => end(false), 5000);
    socket.setNoDelay(true);
    socket.on('data', chunk => { text += chunk; if (text.includes('\r\n\r\n')) end(text.startsWith('HTTP/1.1 200')); });
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${where.host}:${where.port}\r\n${keep ? '' : 'connection: close\r\n'}\r\n`);
  };
  let i = 0;
  setInterval(() => {
    open++;
    ask({ host, port }, '/health', i % 2 === 1, (ok, ms, start) => {
      open--;
      if (ok) took.push(ms); else unanswered++;
      if (ok && ms > MAX_HEALTH_MS) slow.push({ ms: round(ms), lateMs: latest(start) });
    });
    if (i++ % 2) ask({ host: ollamaHost, port: +ollamaPort + 1 }, '/', false, (ok, ms) => control.push(ms));
  }, 50);
  process.on('message', async () => {
    for (let j = 0; j < 55 && open > 1; j++) await sleep(100);
    took.sort((a, b) => a - b);
    control.sort((a, b) => a - b);
    process.send({ asked: took.length + unanswered, unanswered, p99ms: quantile(took, 0.99), maxms: quantile(took, 1), slow: slow.length, slowest: slow.sort((a, b) => b.ms - a.ms).slice(0, 4),
       controlP99ms: quantile(control, 0.99), controlMaxms: quantile(control, 1), lateMs: latest(since) });
    took = [];
    control = [];
    slow = [];
    late = [];
    unanswered = 0;
    since = now();
  });
}

// A server that nobody attacks.
const control = () => http.createServer((request, response) => response.end('as ever')).listen(+ollamaPort + 1, ollamaHost);

/* ---- the attacks ---- */

const BEGIN = '{"stream":true,"messages":[{"role":"user","content":"', END = '"}]}';
const body = Buffer.concat([Buffer.from(BEGIN), Buffer.alloc(BODY_BYTES - BEGIN.length - END.length, 'x'), Buffer.from(END)]);
const PIECE = 1 << 16;
const bytewise = Buffer.from('1\r\nx\r\n'.repeat(10_000));
let sockets = [];

// A connection that counts what the system took of it, and notes the first answer.
function connect() {
  const socket = net.connect({ host, port });
  const one = { socket, sent: 0, answer: null, closed: false, received: '' };
  socket.setNoDelay(true);
  socket.on('data', chunk => {
    if (one.received.length < 65536) one.received += chunk.toString('latin1');
    one.answer ??= /^HTTP\/1\.1 (\d+)/.exec(one.received)?.[1] ?? null;
  });
  socket.on('error', () => { one.closed = true; });
  socket.on('close', () => { one.closed = true; });
  sockets.push(one);
  return one;
}
const put = (one, bytes) => new Promise(r => one.closed ? r(false) : one.socket.write(bytes, error => { if (!error) one.sent += bytes.length; r(!error); }));
async function putAll(one, bytes, until = Infinity) {
  for (let at = 0; at < bytes.length && now() < until && !one.answer; at += PIECE) if (!await put(one, bytes.subarray(at, at + PIECE))) return;
}
const each = action => Promise.all(Array.from({ length: connections }, (_, i) => action(connect(), i)));
const least = (work, ms) => Promise.all([Promise.race([work, sleep(ms)]), sleep(ms)]);

// All but the last byte; then, for those whom nobody told to stop, the last byte.
async function allButLast(name, ms) {
  const open = [];
  await least(each(async (one, i) => {
    open.push(one);
    await put(one, head(BODY_BYTES, name(i)));
    await putAll(one, body.subarray(0, -1));
  }), ms);
  const held = open.filter(one => !one.answer && !one.closed).length;
  await Promise.race([sleep(5000), Promise.all(open.filter(one => !one.answer && !one.closed && one.sent >= BODY_BYTES - 1).map(one => {
    one.whole = true;
    return put(one, body.subarray(-1));
  }))]);
  return { held };
}

// As many as there may be (MAX_CONCURRENT_REQUESTS=64), but for two.
const busy = () => 62 - options.streams;
const many = text => least(Promise.all(Array.from({ length: busy() }, () => {
  const one = connect();
  one.whole = true;
  return put(one, text);
})), 2 * hold);

// One connection: an answer that runs, and behind it as many requests as the server takes in.
async function pipelined(text) {
  const one = connect(), until = now() + hold, requests = Buffer.from(text);
  await put(one, whole(chat('count', true), 'pipeliner'));
  await sleep(500);
  one.answer = null;
  one.socket.removeAllListeners('data').resume();
  await least((async () => { while (now() < until && one.sent < 600e6 && await put(one, requests)); })(), hold);
}

const attacks = {
  'attack': () => allButLast(i => `client-${i}`, hold),
  'again': () => allButLast(i => `client-${i}`, hold),
  'one client': () => allButLast(() => 'greedy', hold),
  // Longer than BODY_TIMEOUT (10s).
  'late': () => allButLast(i => `client-${i}`, 13_000),
  'one byte': () => {
    const until = now() + hold;
    return least(each(async (one, i) => {
      await put(one, head('chunked', `client-${i}`, 'transfer-encoding') + `${BEGIN.length.toString(16)}\r\n${BEGIN}\r\n`);
      while (now() < until && one.sent < 6 * BODY_BYTES && !one.answer && await put(one, bytewise));
    }), hold);
  },
  'drip': () => {
    const until = now() + hold;
    return each(async (one, i) => {
      await put(one, head(BODY_BYTES, `client-${i}`));
      for (let at = 0; now() < until && !one.answer; at += 15_000, await sleep(100)) if (!await put(one, body.subarray(at, Math.min(at + 15_000, BODY_BYTES - 1)))) return;
    });
  },
  // Nothing of the body: what is only announced must not take anything from others.
  'announced': () => least(each((one, i) => put(one, head(BODY_BYTES, `client-${i}`))), hold),
  'collected': () => many(whole(chat(`fill text ${COLLECTED_BYTES}`, false), 'collector')),
  'tool calls': () => many(whole(chat(`fill tools ${COLLECTED_BYTES}`, false), 'collector')),
  // Clients that ask for much and take nothing.
  'unread': () => {
    const text = whole(chat('fill text 50000000', true), 'sleeper');
    return least(Promise.all(Array.from({ length: busy() }, () => {
      const one = connect();
      one.socket.removeAllListeners('data');
      one.socket.pause();
      return put(one, text);
    })), hold);
  },
  'pipelined': () => pipelined(whole(chat('x'.repeat(HONEST_BYTES), false), 'pipeliner')),
  'pipelined questions': () => pipelined('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000)),
  'half a head': () => least(Promise.all(Array.from({ length: 2000 }, (_, i) =>
    put(connect(), `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nx-client-id: client-${i}\r\nx-filler: ${'y'.repeat(7000)}`))), hold),
};

// Meanwhile somebody asks for what he may.
function honest() {
  const answers = {}, took = [];
  let over = false, asked = 0;
  const run = (async () => {
    while (!over) {
      const start = now();
      const answer = await new Promise(resolve => {
        const request = http.request({ host, port, method: 'POST', path: CHAT, agent: false, timeout: 10_000,
          headers: { 'content-type': 'application/json', 'x-client-id': `honest-${asked++ % 5}` } }, response => {
          response.resume();
          response.on('end', () => resolve(response.statusCode));
          response.on('error', () => resolve('cut'));
        });
        request.on('timeout', () => request.destroy(new Error('late')));
        request.on('error', e => resolve(e.code ?? e.message));
        request.end(chat('x'.repeat(HONEST_BYTES), false));
      });
      answers[answer] = (answers[answer] ?? 0) + 1;
      took.push(now() - start);
      await sleep(200);
    }
  })();
  return async () => {
    over = true;
    await run;
    took.sort((a, b) => a - b);
    return { answers, maxms: quantile(took, 1) };
  };
}

/* ---- memory of the process, and what its control group says ---- */

const pid = options.pid;
const read = file => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };
const megabytes = name => Math.round(+(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024);
const group = () => {
  const one = /^\d+:memory:(.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1], two = /^0::(.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1];
  return one ? `/sys/fs/cgroup/memory${one}` : `/sys/fs/cgroup${two}`;
};
const folder = pid && group();
const bytes = text => text ? Math.round(+text / (1 << 20)) : null;
const isThere = () => !pid || existsSync(`/proc/${pid}`);
let peak = 0;
function resetPeak() {
  peak = 0;
  if (!isThere()) return;
  try { writeFileSync(`/proc/${pid}/clear_refs`, '5'); } catch { return; }
  try { writeFileSync(`${folder}/memory.max_usage_in_bytes`, '0'); } catch { /* of the second kind, which can't be reset */ }
}
const memory = () => !pid || !isThere() ? { peakMb: peak, rssMb: 0 } : {
  peakMb: peak = Math.max(peak, megabytes('VmHWM')), rssMb: megabytes('VmRSS'),
  // With what the system caches for it, and could drop.
  groupPeakMb: bytes(read(`${folder}/memory.max_usage_in_bytes`) || read(`${folder}/memory.peak`)),
  oomKills: +(/^oom_kill (\d+)/m.exec(read(`${folder}/memory.oom_control`) || read(`${folder}/memory.events`))?.[1] ?? 0),
};

// A process that ends takes its figures with it.
if (pid && options.role === 'main') setInterval(memory, 200);

// Who used the processors: the server, this generator, and whoever else runs here (who makes the figures worse than they are).
const ticks = pid_ => read(`/proc/${pid_}/stat`).replace(/^.*\) /s, '').split(' ').slice(11, 13).reduce((sum, n) => sum + +n, 0);
const pids = [process.pid];
function processors(since) {
  const [user, nice_, system, , , irq, soft, steal] = read('/proc/stat').split('\n')[0].split(/ +/).slice(1).map(Number);
  const one = { at: now(), all: user + nice_ + system + irq + soft + steal, server: pid ? ticks(pid) : 0, ours: pids.reduce((sum, p) => sum + ticks(p), 0) };
  if (!since) return one;
  const cores = name => Math.round((one[name] - since[name]) / (one.at - since.at) * 10 * 100) / 100;
  const server = isThere() ? cores('server') : null, ours = cores('ours');
  return { server, ours, others: Math.round((cores('all') - server - ours) * 100) / 100 };
}

async function main() {
  nice(5);
  const child = role => {
    const process_ = fork(fileURLToPath(import.meta.url), [url, ...words, '--role', role]);
    pids.push(process_.pid);
    let resolve;
    process_.on('message', answer => resolve(answer));
    process_.on('exit', code => { if (code) { console.error(`${role} ended`); process.exit(2); } });
    return { ask: message => new Promise(r => { resolve = r; process_.send(message); }), kill: () => process_.kill() };
  };
  const plain = child('control'), audience = child('streams'), prober = child('health');
  await sleep(500);
  await audience.ask('start');
  // A server that has just started is slow by itself.
  const warm = honest();
  await sleep(10_000);
  await warm();
  await audience.ask('');
  await prober.ask('');
  const verdict = { calm: [], streams: [], health: [], honest: [] };
  const peaks = {};
  const run = async phase => {
    resetPeak();
    const before = memory(), start = now(), cpu = processors(), stop = honest();
    const result = phase === 'quiet' ? await sleep(hold) : await attacks[phase]();
    await audience.ask('release');
    // Whoever can be answered is.
    for (let i = 0; i < 80 && sockets.some(one => one.whole && !one.closed && !one.answer); i++) await sleep(100);
    await sleep(500);
    const answers = {};
    for (const one of sockets) {
      const answer = `${one.answer ?? (one.closed ? 'closed' : 'nothing')}${one.answer === '503' && !one.closed ? ', left open' : ''}`;
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
    const takenMb = Math.round(sockets.reduce((sum, one) => sum + one.sent, 0) / 1e6);
    sockets.forEach(one => one.socket.destroy());
    sockets = [];
    const others = await stop(), used = processors(cpu);
    await sleep(2000);
    const streams = await audience.ask(''), probes = await prober.ask(''), after = memory();
    const figures = { phase, seconds: round((now() - start) / 1000), takenMb, held: result?.held, answers, honest: others, streams, health: probes,
      memory: { beforeMb: before.rssMb, ...after }, cores: used, lateMs: latest(start) };
    console.log(JSON.stringify(figures));
    late = [];
    return figures;
  };
  const judge = ({ phase, streams, health, honest, memory }) => {
    peaks[phase] = memory.peakMb;
    if (Object.keys(streams.errors).length || streams.running < +options.streams) verdict.streams.push(`${phase}: ${JSON.stringify(streams.errors)}`);
    if (TOLD.includes(phase)) return;
    if (streams.maxms > MAX_TOKEN_MS) verdict.streams.push(`${phase}: a token after ${streams.maxms} ms`);
    if (health.unanswered || !health.asked || health.maxms > MAX_HEALTH_MS) {
      verdict.health.push(`${phase}: ${health.maxms} ms, ${health.unanswered} of ${health.asked} unanswered`);
    }
    if (['quiet', 'one client', 'announced'].includes(phase) && Object.keys(honest.answers).some(answer => answer !== '200')) {
      verdict.honest.push(`${phase}: ${JSON.stringify(honest.answers)}`);
    }
  };
  // Where a server that nobody attacks is slow, nothing could be told of one that is attacked.
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
  const end = await audience.ask('end');
  if (Object.keys(end.errors).length || end.running) verdict.streams.push(`at the end: ${end.running} still run, ${JSON.stringify(end.errors)}`);
  if (pid) {
    const high = Object.keys(peaks).filter(phase => peaks[phase] > MAX_PEAK * options.limit);
    verdict.peak = high.map(phase => `${phase}: ${peaks[phase]} MB of ${options.limit}`);
    verdict.again = peaks.again > MAX_GROWTH * peaks.attack ? [`${peaks.again} MB after ${peaks.attack}`] : [];
    verdict.alive = isThere() && memory().oomKills === 0 ? [] : [`ended in "${Object.keys(peaks).at(-1)}"`];
  }
  console.log(JSON.stringify({ verdict, highestPeakMb: Math.max(...Object.values(peaks)), end }));
  [audience, prober, plain].forEach(one => one.kill());
  process.exit(Object.values(verdict).every(complaints => complaints.length === 0) ? 0 : 1);
}

({ main, streams, health, control })[options.role]();
