// A server that nobody attacks.
import http from 'node:http';
import { ollamaHost, ollamaPort } from './common.mjs';

http.createServer((request, response) => response.end('as ever')).listen(+ollamaPort + 1, ollamaHost);
