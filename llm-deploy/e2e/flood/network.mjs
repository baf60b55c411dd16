// The kernel's counters of lost and retransmitted TCP, at the server and at this generator.
import { readFileSync } from 'node:fs';
import { options } from './common.mjs';

const WANTED = ['ListenOverflows', 'ListenDrops', 'TCPTimeouts', 'TCPSynRetrans', 'TCPBacklogDrop', 'TCPRcvQDrop',
  'TCPReqQFullDrop', 'TCPZeroWindowDrop', 'PFMemallocDrop', 'TCPMemoryPressures', 'TCPChallengeACK'];
const counters = pid => {
  let lines;
  try { lines = readFileSync(`/proc/${pid}/net/netstat`, 'utf8').split('\n'); } catch { return {}; }
  const names = lines[0].split(' '), values = lines[1].split(' ');
  return Object.fromEntries(WANTED.map(name => [name, +values[names.indexOf(name)]]));
};
export const network = () => ({ server: options.pid ? counters(options.pid) : {}, ours: counters('self') });
const increase = (before, after) =>
  Object.fromEntries(WANTED.map(name => [name, after[name] - before[name]]).filter(([, more]) => more));
export const lostSince = before => {
  const after = network();
  return { server: increase(before.server, after.server), ours: increase(before.ours, after.ours) };
};
