// Memory of the server's process and of its cgroup, and the use of processors.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { now, options } from './common.mjs';

const pid = options.pid;
const read = file => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };
const megabytes = name => {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(read(`/proc/${pid}/status`))?.[1] ?? 0;
  return Math.round(+kilobytes / 1024);
};
const group = () => {
  const one = /^\d+:memory:(.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1];
  const two = /^0::(.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1];
  return one ? `/sys/fs/cgroup/memory${one}` : `/sys/fs/cgroup${two}`;
};
const folder = pid && group();
const bytes = text => text ? Math.round(+text / (1 << 20)) : null;
export const isThere = () => !pid || existsSync(`/proc/${pid}`);
export function resetPeak() {
  if (!isThere()) return;
  try { writeFileSync(`/proc/${pid}/clear_refs`, '5'); } catch { return; }
  // cgroup v2 can't be reset.
  try { writeFileSync(`${folder}/memory.max_usage_in_bytes`, '0'); } catch { /* stays as it is */ }
}
export const memory = () => !pid || !isThere() ? { peakMb: 0, rssMb: 0 } : {
  peakMb: megabytes('VmHWM'), rssMb: megabytes('VmRSS'),
  // Includes reclaimable page cache.
  groupPeakMb: bytes(read(`${folder}/memory.max_usage_in_bytes`) || read(`${folder}/memory.peak`)),
  oomKills: +(/^oom_kill (\d+)/m
    .exec(read(`${folder}/memory.oom_control`) || read(`${folder}/memory.events`))?.[1] ?? 0),
};

// Cores used by the server, by this generator, and by other processes, which make the figures worse.
const ticks = pid_ => {
  const fields = read(`/proc/${pid_}/stat`).replace(/^.*\) /s, '').split(' ');
  return fields.slice(11, 13).reduce((sum, n) => sum + +n, 0);
};
export const pids = [process.pid];
export function processors(since) {
  const line = read('/proc/stat').split('\n')[0];
  const [user, nice_, system, , , irq, soft, steal] = line.split(/ +/).slice(1).map(Number);
  const one = {
    at: now(), all: user + nice_ + system + irq + soft + steal,
    server: pid ? ticks(pid) : 0, ours: pids.reduce((sum, p) => sum + ticks(p), 0),
  };
  if (!since) return one;
  const cores = name => Math.round((one[name] - since[name]) / (one.at - since.at) * 10 * 100) / 100;
  const server = isThere() ? cores('server') : null, ours = cores('ours');
  return { server, ours, others: Math.round((cores('all') - server - ours) * 100) / 100 };
}
