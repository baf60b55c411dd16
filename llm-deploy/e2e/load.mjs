// Load like clients', with every response checked to its end. No retries: every failure is counted.
//   node load.mjs URL SECONDS [REQUESTS_PER_SECOND=60] [STREAMS=24] [TOKENS=240]
// Requests: a third each of GET /health, a short non-streaming response, a short stream; every second one over a new
// connection. SIGTERM ends it early. Streams: always STREAMS at once, TOKENS or up to 115 more long, each compared with
// the simulator's text for its prompt. Those that the server doesn't work on yet wait in its queue.
// SIGUSR2, sent when the proxy has switched to another slot: counts the streams that run and that wait, prints their
// request ids, and starts no further ones. Only streams that were told a place in the queue count: they are the old
// slot's, as no other is in a queue for the five seconds until then.
import http from 'node:http';

const [url, seconds, rate = '60', streams = '24', tokens = '240'] = process.argv.slice(2);
const target = new URL(url);
const keepAlive = new http.Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64, timeout: 0 });
const counts = { requests: 0, requestsOk: 0, onNewConnections: 0, onReused: 0, streams: 0, streamsOk: 0 };
const failures = {}, late = [], took = [];
const open = new Set(), atSwitch = {}, cutWhile = { waiting: 0, streaming: 0 };
let least = Infinity, longestGap = 0, longestNonStreaming = 0;

const fail = (kind, why) => {
  const line = `${kind}: ${why.replace(/ \(request [\w-]+\)/, '')}`;
  failures[line] = (failures[line] ?? 0) + 1;
  if (late.length < 20) late.push(`${((performance.now() - begun) / 1000).toFixed(1)}s ${line}`);
};

// Those of the open streams that wait in the queue, or have left it.
const queued = started => [...open].filter(stream => stream.place && stream.started === started);

// Text of an answer's chunks; throws where the stream is not exactly: data frames or comments, one end, then [DONE].
// Keeps in the stream its place in the queue, and whether its text has started.
function reader(stream) {
  let rest = '', text = '', ended = false, done = false;
  return {
    take(chunk) {
      rest += chunk;
      let at;
      while ((at = rest.indexOf('\n\n')) >= 0) {
        const frame = rest.slice(0, at);
        rest = rest.slice(at + 2);
        if (frame.startsWith(':')) {
          stream.place = +/^: queue position=(\d+)/.exec(frame)?.[1] || stream.place;
          continue;
        }
        if (done || !frame.startsWith('data: ')) throw new Error('bad frame ' + frame.slice(0, 80));
        if (frame === 'data: [DONE]') { done = true; continue; }
        const json = JSON.parse(frame.slice(6));
        if (json.error) throw new Error('error frame ' + json.error.code);
        const choice = json.choices[0];
        if (ended) throw new Error('a chunk after the end');
        text += choice.delta.content ?? '';
        stream.started ||= text !== '';
        ended = choice.finish_reason !== null;
      }
    },
    end() {
      if (rest !== '' || !ended || !done) throw new Error('stream cut');
      return text;
    },
  };
}

// stream: for a streaming response; one with an id, which becomes the request's, is a long one.
function send(method, path, body, agent, stream) {
  return new Promise((resolve, reject) => {
    const payload = body && JSON.stringify(body);
    const headers = stream?.id ? { 'x-request-id': stream.id } : {};
    if (payload) {
      Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) });
    }
    const { hostname: host, port } = target;
    const request = http.request({ host, port, method, path, agent, headers }, response => {
      const frames = stream && reader(stream);
      let text = '', last = performance.now();
      response.setEncoding('utf8');
      response.on('data', chunk => {
        if (stream?.id) {
          const now = performance.now();
          longestGap = Math.max(longestGap, now - last);
          last = now;
        }
        if (response.statusCode !== 200 || !frames) { text += chunk; return; }
        try { frames.take(chunk); } catch (e) { reject(e); request.destroy(); }
      });
      response.on('error', reject);
      response.on('aborted', () => reject(new Error('connection cut in the answer')));
      response.on('end', () => {
        if (response.statusCode !== 200) {
          reject(new Error(`status ${response.statusCode} ${text.slice(0, 160)}`));
          return;
        }
        try { resolve(frames ? frames.end() : text); } catch (e) { reject(e); }
      });
    });
    request.on('error', e => {
      reject(new Error(`${e.code ?? e.message}${request.reusedSocket ? ' on a reused connection' : ''}`));
    });
    request.on('socket', () => { if (request.reusedSocket) counts.onReused++; else counts.onNewConnections++; });
    request.end(payload);
  });
}

const chat = (stream, length, prompt) =>
  ({ stream, max_tokens: length, messages: [{ role: 'user', content: prompt }] });
let begun = performance.now();
let stopped = false;
process.on('SIGTERM', () => { stopped = true; });
const over = () => stopped || performance.now() - begun > seconds * 1000;
let switched = false;
process.on('SIGUSR2', () => {
  switched = true;
  const [waiting, streaming] = [queued(false), queued(true)];
  atSwitch.waitingAtSwitch = waiting.length;
  atSwitch.streamingAtSwitch = streaming.length;
  atSwitch.lastPlaceAtSwitch = Math.max(0, ...waiting.map(stream => stream.place));
  console.error('at the switch:', ...[...waiting, ...streaming].map(stream => stream.id));
});
// Of different lengths, so that streams that wait for each other don't all end at once.
const lengthOf = i => +tokens + 5 * (i % 24);
const promptOf = i => `Answer in ${lengthOf(i)} tokens, ${i % 24}`;
const texts = new Map();
const SHORT = 'Answer in 3 tokens';

async function one(i) {
  const agent = i % 2 ? keepAlive : false, start = performance.now();
  counts.requests++;
  try {
    if (i % 3 === 0) {
      if (!(await send('GET', '/health', null, agent)).includes('"UP"')) throw new Error('not up');
    } else if (i % 3 === 1) {
      const answer = JSON.parse(await send('POST', '/v1/chat/completions', chat(false, 3, SHORT), agent));
      if (answer.choices[0].message.content !== texts.get(SHORT)) throw new Error('another text');
      longestNonStreaming = Math.max(longestNonStreaming, performance.now() - start);
    } else if (await send('POST', '/v1/chat/completions', chat(true, 3, SHORT), agent, {}) !== texts.get(SHORT)) {
      throw new Error('another text');
    }
    counts.requestsOk++;
    took.push(performance.now() - start);
  } catch (e) { fail('request', e.message); }
}

async function stream(i) {
  await new Promise(r => setTimeout(r, i * 1000 * tokens / 40 / streams));
  while (!over() && !switched) {
    const prompt = promptOf(i);
    const stream = { id: `stream-${++counts.streams}`, place: 0, started: false };
    open.add(stream);
    try {
      const agent = i % 2 ? keepAlive : false;
      const text = await send('POST', '/v1/chat/completions', chat(true, lengthOf(i), prompt), agent, stream);
      if (text !== texts.get(prompt)) throw new Error('another text');
      counts.streamsOk++;
    } catch (e) {
      const phase = stream.started ? 'streaming' : 'waiting';
      cutWhile[phase]++;
      fail(`${phase} stream`, e.message);
      await new Promise(r => setTimeout(r, 200));
    } finally { open.delete(stream); }
  }
}

// The expected texts are requested once, before any deploy.
const lengths = new Map([[SHORT, 3]]);
for (let i = 0; i < streams; i++) lengths.set(promptOf(i), lengthOf(i));
await Promise.all([...lengths].map(async ([prompt, length]) => {
  texts.set(prompt, await send('POST', '/v1/chat/completions', chat(true, length, prompt), false, {}));
}));
if (new Set(texts.values()).size !== texts.size) throw new Error('texts are not distinct');
begun = performance.now();
console.error('ready');

const long = Promise.all(Array.from({ length: +streams }, (_, i) => stream(i)));
const all = [];
for (let i = 0; !over(); i++) {
  all.push(one(i));
  if (!switched && performance.now() - begun > 1000 * tokens / 20) least = Math.min(least, open.size);
  if (queued(false).length >= 100 && queued(true).length >= 20) console.error('100 streams wait, 20 run');
  await new Promise(r => setTimeout(r, Math.max(0, begun + (i + 1) * 1000 / rate - performance.now())));
}
const asked = (performance.now() - begun) / 1000;
await Promise.all([...all, long]);
took.sort((a, b) => a - b);
const failed = counts.requests - counts.requestsOk, cut = counts.streams - counts.streamsOk;
console.log(JSON.stringify({
  ...counts, failed, cut, cutWhileWaiting: cutWhile.waiting, cutWhileStreaming: cutWhile.streaming, ...atSwitch,
  perSecond: +(counts.requests / asked).toFixed(1), fewestStreamsAtOnce: least,
  p50ms: Math.round(took[took.length >> 1]),
  p99ms: Math.round(took[Math.floor(took.length * 0.99)]),
  maxms: Math.round(took.at(-1)),
  longestGapMs: Math.round(longestGap), longestNonStreamingMs: Math.round(longestNonStreaming), failures, late,
}, null, 1));
process.exit(failed + cut ? 1 : 0);
