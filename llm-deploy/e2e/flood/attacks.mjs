// The attacks.
import http from 'node:http';
import net from 'node:net';
import {
  BODY_BYTES, CHAT, COLLECTED_BYTES, HONEST_BYTES, chat, connections, head, hold, host, now, options, port, quantile,
  sleep, whole,
} from './common.mjs';

const BEGIN = '{"stream":true,"messages":[{"role":"user","content":"', END = '"}]}';
const filler = Buffer.alloc(BODY_BYTES - BEGIN.length - END.length, 'x');
const body = Buffer.concat([Buffer.from(BEGIN), filler, Buffer.from(END)]);
const PIECE = 1 << 16;
const bytewise = Buffer.from('1\r\nx\r\n'.repeat(10_000));
export const sockets = [];
export const closeAll = () => sockets.splice(0).forEach(one => one.socket.destroy());

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
const put = (one, bytes) => new Promise(r => {
  if (one.closed) { r(false); return; }
  one.socket.write(bytes, error => { if (!error) one.sent += bytes.length; r(!error); });
});
async function putAll(one, bytes, until = Infinity) {
  for (let at = 0; at < bytes.length && now() < until && !one.answer; at += PIECE) {
    if (!await put(one, bytes.subarray(at, at + PIECE))) return;
  }
}
const each = action => Promise.all(Array.from({ length: connections }, (_, i) => action(connect(), i)));
const least = (work, ms) => Promise.all([Promise.race([work, sleep(ms)]), sleep(ms)]);

// All but the last byte; then the last byte, unless stopped.
async function allButLast(name, ms) {
  const open = [];
  await least(each(async (one, i) => {
    open.push(one);
    await put(one, head(BODY_BYTES, name(i)));
    await putAll(one, body.subarray(0, -1));
  }), ms);
  const held = open.filter(one => !one.answer && !one.closed).length;
  const patient = open.filter(one => !one.answer && !one.closed && one.sent >= BODY_BYTES - 1);
  await Promise.race([sleep(5000), Promise.all(patient.map(one => {
    one.whole = true;
    return put(one, body.subarray(-1));
  }))]);
  return { held };
}

// All but two of MAX_CONCURRENT_REQUESTS=64, the streams included.
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

export const attacks = {
  'attack': () => allButLast(i => `client-${i}`, hold),
  'again': () => allButLast(i => `client-${i}`, hold),
  'one client': () => allButLast(() => 'greedy', hold),
  // Longer than BODY_TIMEOUT (10s).
  'late': () => allButLast(i => `client-${i}`, 13_000),
  'one byte': () => {
    const until = now() + hold;
    return least(each(async (one, i) => {
      const begin = `${BEGIN.length.toString(16)}\r\n${BEGIN}\r\n`;
      await put(one, head('chunked', `client-${i}`, 'transfer-encoding') + begin);
      while (now() < until && one.sent < 6 * BODY_BYTES && !one.answer && await put(one, bytewise));
    }), hold);
  },
  'drip': () => {
    const start = now();
    return each(async (one, i) => {
      await put(one, head(BODY_BYTES, `client-${i}`));
      for (let at = 0, to; at < BODY_BYTES - 1 && !one.answer; at = to, await sleep(100)) {
        to = Math.min(BODY_BYTES - 1, Math.ceil((now() - start) / hold * BODY_BYTES));
        if (now() - start > 2 * hold || !await Promise.race([put(one, body.subarray(at, to)), sleep(hold)])) return;
      }
    });
  },
  // No byte of the body: announced bytes must not count against others.
  'announced': () => least(each((one, i) => put(one, head(BODY_BYTES, `client-${i}`))), hold),
  'collected': () => many(whole(chat(`fill text ${COLLECTED_BYTES}`, false), 'collector')),
  'tool calls': () => many(whole(chat(`fill tools ${COLLECTED_BYTES}`, false), 'collector')),
  // Clients that request much and read nothing.
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
  'half a head': () => least(Promise.all(Array.from({ length: 2000 }, (_, i) => {
    const start = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nx-client-id: client-${i}\r\n`;
    return put(connect(), `${start}x-filler: ${'y'.repeat(7000)}`);
  })), hold),
};

// Meanwhile well-behaved clients send normal requests.
export function honest() {
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
