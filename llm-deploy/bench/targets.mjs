// What is measured: the emulator itself ("direct"), peers, and this server in one or more versions.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { killAll, makeGroup, processesOf, removeGroup, sleep, statusOf, versionOf } from './machine.mjs';

const FIRST_PORT = 11601, START_MS = 120_000, STOP_MS = 8000;
const PEERS = ['nginx', 'haproxy', 'scg', 'fastapi', 'empty'];
export const NAMES = [...PEERS, 'server', 'server-no-cache'];
// The gateway has a processor alone.
const PINNED = ['-c', '1'];

// Of a peer's files, each with its name.
function hashOf(peer) {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', `peers/${peer}`], { encoding: 'utf8' });
  const hash = createHash('sha256');
  files.trim().split('\n').sort().forEach(file => hash.update(`${file}\n`).update(readFileSync(file)));
  return hash.digest('hex');
}
const isFolder = source => existsSync(`${source}/java.options`);
const folderOf = source => isFolder(source) ? path.resolve(source)
  : execFileSync('./lay-out', [source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
// The working tree may have changes. Of a folder only the name is known.
const commitOf = source => isFolder(source) ? path.basename(source)
  : execFileSync('git', ['describe', '--always', '--long', '--abbrev=12', '--exclude=*',
    ...source === '.' ? ['--dirty'] : [source]], { encoding: 'utf8' }).trim();

class Target {
  constructor(name, port, peer, source) {
    Object.assign(this, { name, port, peer, source, isServer: peer === 'server', isEmpty: peer === 'empty' });
    this.isJvm = this.isServer || peer === 'scg';
    this.isLaidOut = this.isServer || this.isEmpty;
    this.hasCache = name !== 'server-no-cache';
    this.pid = null;
  }

  /** Installs and builds it; then it can be started. */
  prepare() {
    if (!this.peer) return;
    if (this.isLaidOut) this.folder = folderOf(this.source);
    else execFileSync('./prepare', [this.peer], { stdio: 'inherit' });
  }

  describe() {
    const { name, isServer, hasCache } = this;
    if (!this.peer) return { name, what: 'the emulator itself: what the harness can do' };
    const what = isServer ? `this server, ${commitOf(this.source)}${hasCache ? '' : ', without its cache'}`
      : versionOf(this.peer);
    return { name, what, isServer, sha256: hashOf(this.peer) };
  }

  /** Starts it afresh; returns the milliseconds until it answers. */
  async start(upstream) {
    if (!this.peer) return 0;
    if (await statusOf(this.port, '/')) throw new Error(`${this.name}: port ${this.port} is another's`);
    const work = `${process.cwd()}/target/work/${this.name}`;
    mkdirSync(work, { recursive: true });
    if (this.isLaidOut) this.group = makeGroup(this.name);
    const log = openSync(`${work}/log`, 'w'), begun = performance.now();
    const env = { ...process.env, PORT: String(this.port), UPSTREAM: upstream, WORK: work, FOLDER: this.folder,
      GROUP: this.group, CACHE: this.hasCache ? 'yes' : 'no' };
    this.process = spawn('taskset', [...PINNED, `peers/${this.isLaidOut ? 'server' : this.peer}/run`], {
      env, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.pid = this.process.pid;
    while (await statusOf(this.port, this.isLaidOut ? '/health' : '/v1/models') !== 200) {
      if (performance.now() - begun > START_MS || this.process.exitCode !== null) {
        await this.stop();
        throw new Error(`${this.name} did not start: ${work}/log`);
      }
      await sleep(2);
    }
    return performance.now() - begun;
  }

  async stop() {
    if (!this.pid) return;
    const pids = processesOf(this.pid), { process: child } = this;
    const exit = new Promise(resolve => child.once('exit', resolve));
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await Promise.race([exit, sleep(STOP_MS)]);
    }
    killAll(pids);
    if (this.group) await removeGroup(this.group);
    this.pid = this.group = null;
  }
}

/**
 * @param names of peers, and of this server's working tree
 * @param sources "NAME=COMMIT", further versions of this server
 */
export function targetsOf(names, sources, emulatorPort) {
  const unknown = names.find(name => !NAMES.includes(name));
  if (unknown) throw new Error(`--targets: ${unknown} (expected: ${NAMES.join(', ')})`);
  const known = names.map(name => PEERS.includes(name) ? [name, name, name] : [name, 'server', '.']);
  const more = sources.map(text => text.split(/=(.*)/s)).map(([name, source]) => [name, 'server', source]);
  return [new Target('direct', emulatorPort),
    ...[...known, ...more].map(([name, peer, source], i) => new Target(name, FIRST_PORT + i, peer, source))];
}
