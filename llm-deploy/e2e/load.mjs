// Load like clients', with every response checked to its end. No retries: every failure is counted.
//   node load.mjs URL SECONDS [REQUESTS_PER_SECOND=60] [STREAMS=24] [TOKENS=240]
// Requests: a third each of GET /health, a short non-streaming response, a short stream; every second one over a new
// connection. SIGTERM ends it early. Streams: always STREAMS at once, TOKENS long, each compared with the simulator's
// text for its prompt.
import http from 'node:http';

const [url, seconds, rate = '60', streams = '24', tokens = '240'] = process.argv.slice(2);
const target = new URL(url);
const keepAlive = new http.Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64, timeout: 0 });
const counts = { requests: 0, requestsOk: 0, onNewConnections: 0, onReused: 0, streams: 0, streamsOk: 0 };
const failures = {}, late = [], took = [];
let running = 0, least = Infinity, longestGap = 0;

const fail = (kind, why) => {
  const line = `${kind}: ${why}`;
  failures[line] = (failures[line] ?? 0) + 1;
  if (late.length < 20) late.push(`${((performance.now() - begun) / 1000).toFixed(1)}s ${line}`);
};

// Text of an answer's chunks; throws where the stream is not exactly: data frames or comments, one end, then [DONE].
function reader() {
  let rest = '', text = '', ended = false, done = false;
  return {
    take(chunk) {
      rest += chunk;
      let at;
      while ((at = rest.indexOf('\n\n')) >= 0) {
        const frame = rest.slice(0, at);
        rest = rest.slice(at + 2);
        if (frame.startsWith(':')) continue;
        if (done || !frame.startsWith('data: ')) throw new Error('bad frame ' + frame.slice(0, 80));
        if (frame === 'data: [DONE]') { done = true; continue; }
        const json = JSON.parse(frame.slice(6));
        if (json.error) throw new Error('error frame ' + json.error.code);
        const choice = json.choices[0];
        if (ended) throw new Error('a chunk after the end');
        text += choice.delta.content ?? '';
        ended = choice.finish_reason !== null;
      }
    },
    end() {
      if (rest !== '' || !ended || !done) throw new Error('stream cut');
      return text;
    },
  };
}

function send(method, path, body, agent, streaming) {
  return new Promise((resolve, reject) => {
    const payload = body && JSON.stringify(body);
    const request = http.request({
      host: target.hostname, port: target.port, method, path, agent,
      headers: payload ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } : {},
    }, response => {
      const frames = streaming && reader();
      let text = '', last = performance.now();
      response.setEncoding('utf8');
      response.on('data', chunk => {
        if (streaming === 'long') {
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
    } else if (await send('POST', '/v1/chat/completions', chat(true, 3, SHORT), agent, 'short') !== texts.get(SHORT)) {
      throw new Error('another text');
    }
    counts.requestsOk++;
    took.push(performance.now() - start);
  } catch (e) { fail('request', e.message); }
}

async function stream(i) {
  await new Promise(r => setTimeout(r, i * 1000 * tokens / 40 / streams));
  while (!over()) {
    const prompt = `Answer in ${tokens} tokens, ${i}`;
    counts.streams++;
    running++;
    try {
      const agent = i % 2 ? keepAlive : false;
      const text = await send('POST', '/v1/chat/completions', chat(true, +tokens, prompt), agent, 'long');
      if (text !== texts.get(prompt)) throw new Error('another text');
      counts.streamsOk++;
    } catch (e) {
      fail('stream', e.message);
      await new Promise(r => setTimeout(r, 200));
    } finally { running--; }
  }
}

// The expected texts are requested once, before any deploy.
for (const prompt of [SHORT, ...Array.from({ length: +streams }, (_, i) => `Answer in ${tokens} tokens, ${i}`)]) {
  texts.set(prompt, null);
}
await Promise.all([...texts.keys()].map(async prompt => {
  const question = chat(true, prompt === SHORT ? 3 : +tokens, prompt);
  texts.set(prompt, await send('POST', '/v1/chat/completions', question, false, 'short'));
}));
if (new Set(texts.values()).size !== texts.size) throw new Error('texts are not distinct');
begun = performance.now();
console.error('ready');

const long = Promise.all(Array.from({ length: +streams }, (_, i) => stream(i)));
const all = [];
for (let i = 0; !over(); i++) {
  all.push(one(i));
  if (performance.now() - begun > 1000 * tokens / 20) least = Math.min(least, running);
  await new Promise(r => setTimeout(r, Math.max(0, begun + (i + 1) * 1000 / rate - performance.now())));
}
const asked = (performance.now() - begun) / 1000;
await Promise.all([...all, long]);
took.sort((a, b) => a - b);
const failed = counts.requests - counts.requestsOk, cut = counts.streams - counts.streamsOk;
console.log(JSON.stringify({
  ...counts, failed, cut, perSecond: +(counts.requests / asked).toFixed(1), fewestStreamsAtOnce: least,
  p50ms: Math.round(took[took.length >> 1]),
  p99ms: Math.round(took[Math.floor(took.length * 0.99)]),
  maxms: Math.round(took.at(-1)),
  longestGapMs: Math.round(longestGap), failures, late,
}, null, 1));
process.exit(failed + cut ? 1 : 0);
