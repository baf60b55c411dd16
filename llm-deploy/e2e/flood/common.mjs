// What the processes of flood.mjs have in common: its arguments, and how late their timers are.
import os from 'node:os';

export const BODY_BYTES = 1_000_000, HONEST_BYTES = 100_000, COLLECTED_BYTES = 7_000_000;

export const [url, ...words] = process.argv.slice(2);
export const options = {
  ollama: '127.0.0.1:21435', connections: '400', hold: '6', streams: '20', health: '100', growth: '1.1',
};
for (let i = 0; i < words.length; i += 2) options[words[i].replace(/^--/, '').replace(/-m[bs]$/, '')] = words[i + 1];
// Slow is more than this beyond the time of an unattacked server.
export const MAX_HEALTH_MS = +options.health;
export const target = new URL(url), host = target.hostname, port = +target.port;
export const [ollamaHost, ollamaPort] = options.ollama.split(':');
export const connections = +options.connections, hold = options.hold * 1000;
export const sleep = ms => new Promise(r => setTimeout(r, ms));
export const now = () => performance.now();
export const round = ms => Math.round(ms * 10) / 10;
export const quantile = (sorted, q) =>
  sorted.length ? round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]) : null;

// The machine may be overloaded: each process reports how late its own timers were.
let expected = now() + 10, late = [];
setInterval(() => {
  if (now() - expected > 10) late.push([now(), now() - expected]);
  expected = now() + 10;
}, 10);
export const latest = since =>
  round(Math.max(0, ...late.filter(([at]) => at >= since).map(([, ms]) => ms), now() - expected));
export const forget = () => { late = []; };
export const nice = priority => {
  try { os.setPriority(priority); } catch { /* not permitted: keeps its priority */ }
};

export const CHAT = '/v1/chat/completions';
export const chat = (prompt, stream) => JSON.stringify({ stream, messages: [{ role: 'user', content: prompt }] });
export const head = (length, name, type = 'content-length') => {
  const address = `10.${name.length}.0.${parseInt(name.replace(/\D/g, '') || '1') % 250}`;
  return `POST ${CHAT} HTTP/1.1\r\nhost: ${target.host}\r\ncontent-type: application/json\r\n`
    + `x-client-id: ${name}\r\ncf-connecting-ip: ${address}\r\n${type}: ${length}\r\n\r\n`;
};
export const whole = (body, name) => head(Buffer.byteLength(body), name) + body;
