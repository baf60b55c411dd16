// What the machine tells of itself and of processes.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';

export const LIMIT_MB = 512;
export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const read = file => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };

/** Status of a GET request, or 0. */
export const statusOf = (port, path) => new Promise(resolve => {
  const socket = net.connect({ host: '127.0.0.1', port, timeout: 2000 });
  socket.on('connect', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`));
  socket.on('data', data => { resolve(+data.toString('latin1', 9, 12)); socket.destroy(); });
  socket.on('timeout', () => socket.destroy());
  socket.on('error', () => {});
  socket.on('close', () => resolve(0));
});

export const processesOf = pid => [pid, ...read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  .flatMap(child => processesOf(+child))];
export const killAll = pids => pids.forEach(pid => {
  try { process.kill(pid, 'SIGKILL'); } catch { /* it has ended */ }
});
const sum = numbers => numbers.reduce((a, b) => a + b, 0);
const TICK_MS = 1000 / +execFileSync('getconf', ['CLK_TCK']);
/** User and system time so far. */
export const cpuMs = pid => TICK_MS * sum(processesOf(pid).flatMap(one =>
  read(`/proc/${one}/stat`).replace(/^.*\) /s, '').split(' ').slice(11, 13).map(Number)));
const megabytes = (pid, file, name) => sum(processesOf(pid).map(one =>
  +(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(read(`/proc/${one}/${file}`))?.[1] ?? 0))) / 1024;
export const memoryOf = pid => ({
  rssMb: megabytes(pid, 'status', 'VmRSS'), pssMb: megabytes(pid, 'smaps_rollup', 'Pss'),
});

const CALLS = {
  writes: ['write', 'writev', 'sendto', 'sendmsg'], reads: ['read', 'readv', 'recvfrom', 'recvmsg'],
  waits: ['epoll_wait', 'epoll_pwait', 'epoll_pwait2'], futexes: ['futex'],
};
/** Counts system calls of a process and its children; returns a function that ends it and returns their numbers. */
export async function countCalls(pid) {
  const pids = processesOf(pid).flatMap(one => ['-p', String(one)]);
  const trace = spawn('strace', ['-f', '-c', '-U', 'calls,name', '-e', `trace=${Object.values(CALLS).flat()}`, ...pids],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const ended = new Promise((resolve, reject) => trace.once('close', resolve).once('error', reject));
  const attached = new Promise(resolve => trace.stderr.on('data', data => {
    said += data;
    if (said.includes('attached')) resolve();
  }));
  await Promise.race([attached, ended.then(() => { throw new Error(`strace: ${said.slice(-300)}`); })]);
  return async () => {
    trace.kill('SIGINT');
    await ended;
    const counts = Object.fromEntries([...said.matchAll(/^ *(\d+) (\w+)$/gm)].map(([, count, name]) => [name, +count]));
    return Object.fromEntries(Object.entries(CALLS).map(([kind, names]) =>
      [kind, sum(names.map(name => counts[name] ?? 0))]));
  };
}

const busyTicks = () => {
  const [user, nice, system, , , irq, soft] = read('/proc/stat').split('\n')[0].split(/ +/).slice(1).map(Number);
  return user + nice + system + irq + soft;
};
/** Waits until the machine does little else, but not for long. */
export async function calm(limitMs = 6000, cores = 0.3) {
  for (let waited = 0; waited < limitMs; waited += 400) {
    const before = busyTicks();
    await sleep(400);
    if ((busyTicks() - before) * TICK_MS / 400 < cores) return;
  }
}

/** A control group with the memory of the server's container; returns its folder. */
export function makeGroup(name) {
  const version1 = existsSync('/sys/fs/cgroup/memory');
  if (!version1) writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+memory');
  const folder = `/sys/fs/cgroup/${version1 ? 'memory/' : ''}llm-bench-${name}-${process.pid}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/memory.${version1 ? 'limit_in_bytes' : 'max'}`, String(LIMIT_MB << 20));
  return folder;
}
export async function removeGroup(folder) {
  for (let i = 0; i < 50 && existsSync(folder); i++, await sleep(100)) {
    try { rmdirSync(folder); } catch { /* its last process is ending */ }
  }
}

const output = (...command) => {
  try {
    return execFileSync('sh', ['-c', `${command.join(' ')} 2>&1`], { encoding: 'utf8' }).trim().split('\n')[0];
  } catch { return 'none'; }
};
export const describe = () => ({
  processor: os.cpus()[0].model, processors: os.cpus().length, memoryMb: Math.round(os.totalmem() / (1 << 20)),
  kernel: os.release(), java: output(`${process.env.JAVA_HOME}/bin/java`, '-version'), node: process.version,
});
/** Versions of what is installed. */
export const versionOf = name => ({
  nginx: () => output('nginx', '-v').replace('nginx version: ', ''),
  haproxy: () => output('haproxy', '-v').split(' ').slice(0, 3).join(' '),
  fastapi: () => output('dpkg-query', '-W', "-f '${Package} ${Version} '", 'python3-fastapi', 'python3-httpx',
    'uvicorn'),
  scg: () => `Spring Cloud ${/<spring-cloud.version>(.*)</.exec(read('peers/scg/pom.xml'))?.[1]}`,
  empty: () => `WebFlux and actuator alone, Spring Boot ${/<version>(.*)</.exec(read('peers/empty/pom.xml'))?.[1]}`,
}[name]?.());
