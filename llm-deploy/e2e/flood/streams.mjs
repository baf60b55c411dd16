// Streams, each of whose tokens is checked, and their Ollama.
import http from 'node:http';
import { CHAT, chat, forget, host, latest, nice, now, options, port, quantile, sleep } from './common.mjs';
import { end, filled, isCounting, listen, release } from './ollama.mjs';

nice(-5);
listen();
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
    if (done || !data.startsWith('data: ')) { finish('an invalid frame'); return; }
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
    response.on('end', () => finish(isCounting() || !ended || !done || rest !== '' || text !== '' ? 'cut' : ''));
  });
  request.on('error', e => finish(e.code ?? e.message));
  running.add(i);
  request.end(chat('count', true));
};
process.on('message', async message => {
  if (message === 'start') for (let i = 0; i < +options.streams; i++) one(i);
  if (message === 'release') release();
  if (message === 'end') { end(); for (let i = 0; i < 50 && running.size; i++) await sleep(100); }
  delays.sort((a, b) => a - b);
  process.send({
    running: running.size, tokens, filledMb: Math.round(filled() / 1e6),
    p99ms: quantile(delays, 0.99), maxms: quantile(delays, 1), errors: { ...errors }, lateMs: latest(since),
  });
  delays = [];
  forget();
  tokens = 0;
  since = now();
});
