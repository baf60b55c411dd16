// Asks for /health every 50 ms, over a new connection and a kept one in turn. It does not wait for answers. A kept
// connection that the server closes without an answer had been idle for too long: as any client, it asks once more.
import net from 'node:net';
import {
  MAX_HEALTH_MS, forget, host, latest, nice, now, ollamaHost, ollamaPort, port, quantile, round, sleep,
} from './common.mjs';
import { memory } from './memory.mjs';

const LATE = 'nothing after 5 s';
nice(-10);
const kept = [];
let took = [], control = [], unanswered = {}, stale = 0, slow = [], open = 0, peakMb = 0, since = now();
// then(WHY, MS, START, HOW): WHY is null if there was an answer.
const ask = (where, path, keep, then, start = now()) => {
  const old = keep ? kept.pop() : undefined;
  const socket = old ?? net.connect(where);
  const how = { kept: Boolean(old) };
  let over = false, text = '';
  const end = why => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket.removeAllListeners();
    socket.on('error', () => {});
    if (!why && keep) {
      socket.on('close', () => kept.splice(kept.indexOf(socket) >>> 0, 1));
      kept.push(socket);
    } else socket.destroy();
    if (old && text === '' && why !== LATE) {
      stale++;
      ask(where, path, false, then, start);
    } else then(why, now() - start, start, how);
  };
  const timer = setTimeout(() => end(LATE), 5000);
  socket.setNoDelay(true);
  socket.on('connect', () => { how.connectedMs = round(now() - start); });
  socket.on('data', chunk => {
    text += chunk;
    if (text.includes('\r\n\r\n')) end(text.startsWith('HTTP/1.1 200') ? null : text.split('\r\n')[0]);
  });
  socket.on('error', e => end(e.code));
  socket.on('close', () => end('closed'));
  const close = keep ? '' : 'connection: close\r\n';
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${where.host}:${where.port}\r\n${close}\r\n`);
};
let i = 0;
setInterval(() => {
  peakMb = Math.max(peakMb, memory().peakMb);
  open++;
  ask({ host, port }, '/health', i % 2 === 1, (why, ms, start, how) => {
    open--;
    if (why) unanswered[why] = (unanswered[why] ?? 0) + 1; else took.push(ms);
    if (!why && ms > MAX_HEALTH_MS) slow.push({ ms: round(ms), ...how, lateMs: latest(start) });
  });
  if (i++ % 2) ask({ host: ollamaHost, port: +ollamaPort + 1 }, '/', false, (why, ms) => control.push(ms));
}, 50);
process.on('message', async () => {
  for (let j = 0; j < 55 && open > 1; j++) await sleep(100);
  took.sort((a, b) => a - b);
  control.sort((a, b) => a - b);
  process.send({
    peakMb, asked: took.length, unanswered, stale, p99ms: quantile(took, 0.99), maxms: quantile(took, 1),
    slow: slow.length, slowest: slow.sort((a, b) => b.ms - a.ms).slice(0, 4),
    controlP99ms: quantile(control, 0.99), controlMaxms: quantile(control, 1), lateMs: latest(since),
  });
  took = [];
  control = [];
  slow = [];
  forget();
  unanswered = {};
  stale = peakMb = 0;
  since = now();
});
