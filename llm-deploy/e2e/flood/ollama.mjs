// An Ollama whose tokens contain their number and the time they were sent.
import http from 'node:http';
import { now, ollamaHost, ollamaPort } from './common.mjs';

const line = (message, rest = '"done":false') =>
  `{"model":"simulator","created_at":"2026-11-28T00:00:00.00Z","message":{"role":"assistant",${message}},${rest}}\n`;
const LAST = line('"content":""', '"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":1');
const TAGS = '{"models":[{"name":"simulator:latest","model":"simulator:latest",'
  + '"modified_at":"2026-11-28T00:00:00Z","capabilities":["completion"]}]}';
const LOADED = '{"models":[{"name":"simulator:latest","expires_at":"2318-01-01T00:00:00Z","context_length":8192}]}';
const open = new Set();
let counting = true, sum = 0;

export const isCounting = () => counting;
export const end = () => { counting = false; };
export const release = () => open.forEach(response => response.release?.());

/** Bytes that fill has sent since the last call. */
export const filled = () => {
  const one = sum;
  sum = 0;
  return one;
};

export function listen() {
  http.createServer((request, response) => {
    response.setHeader('content-type', request.url === '/api/chat' ? 'application/x-ndjson' : 'application/json');
    if (request.url !== '/api/chat') {
      request.resume();
      response.end({ '/api/tags': TAGS, '/api/ps': LOADED }[request.url] ?? '{"version":"0.33.0"}');
      return;
    }
    let body = '';
    request.on('data', chunk => { body += chunk; });
    request.on('end', () => {
      const { messages } = JSON.parse(body);
      if (messages.length === 0) {
        response.end(line('"content":""', '"done":true,"done_reason":"load"'));
        return;
      }
      const prompt = messages.at(-1).content;
      open.add(response);
      response.on('close', () => open.delete(response));
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

// Sends BYTES of KIND, text or tools, as fast as they are read. Ends at release(), if that comes.
async function fill(response, kind, bytes) {
  const piece = 'x'.repeat(50_000);
  for (let sent = 0; sent < +bytes && !response.destroyed; sent += piece.length) {
    const message = kind === 'tools'
      ? `"content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"x":"${piece}"}}}]`
      : `"content":"${piece}"`;
    sum += piece.length;
    // Yields to other responses after each piece.
    if (response.write(line(message))) await new Promise(setImmediate); else await drained(response);
  }
  response.release = () => response.end(LAST);
}

const drained = response => new Promise(r => {
  const go = () => { response.off('drain', go).off('close', go); r(); };
  response.on('drain', go).on('close', go);
});
