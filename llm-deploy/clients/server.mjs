// The server in its own process, with the embedded simulator; ends with the test. Requests that have, or wait for, the
// permit; a proxy in front of two servers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const { JAVA, JAR, ARCHIVE } = process.env;
const SETTINGS = {
  APP_ENV: "local",
  SERVER_PORT: "0",
  MANAGEMENT_PORT: "0",
  OLLAMA_BASE_URL: "embedded",
  OLLAMA_NUM_PARALLEL: "1",
  RATE_LIMIT_RPM: "0",
  QUEUE_TIMEOUT: "10m",
  SHUTDOWN_TIMEOUT: "10m",
};
const LONG = "Answer in 8000 tokens";

/** A server with these settings. Each line of its log arrives in `lines`. */
export async function start(test, settings = {}) {
  const given = Object.entries({ ...SETTINGS, ...settings }).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(JAVA, ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", ARCHIVE, "-jar", JAR, ...given]);
  const server = new Server(child);
  test.after(() => server.kill());
  child.stderr.pipe(process.stderr);
  const line = await server.logged(/listens on .* port \d+/);
  server.url = `http://127.0.0.1:${/ port (\d+)/.exec(line)[1]}`;
  return server;
}

class Server {
  lines = [];
  #child;
  #ended;
  #arrivals = new Set();

  constructor(child) {
    this.#child = child;
    this.#ended = once(child, "close");
    const output = createInterface({ input: child.stdout });
    output.on("line", (line) => {
      this.lines.push(line);
      for (const arrived of this.#arrivals) arrived();
    });
    output.on("close", () => {
      for (const arrived of this.#arrivals) arrived(new Error(`the server ended: ${this.lines.join("\n")}`));
    });
  }

  /** Waits until that many lines match; returns the last of them. */
  logged(pattern, count = 1) {
    return new Promise((resolve, reject) => {
      const arrived = (ended) => {
        const found = this.lines.filter((line) => pattern.test(line));
        if (found.length < count && !ended) return;
        this.#arrivals.delete(arrived);
        if (found.length < count) reject(ended);
        else resolve(found[count - 1]);
      };
      this.#arrivals.add(arrived);
      arrived();
    });
  }

  /** What the log says of the requests with that id, as "503 overloaded", when there are as many or more. */
  async attempts(id, count) {
    await this.logged(new RegExp(` id=${id} `), count);
    const after = `after-${this.lines.length}`;
    await fetch(`${this.url}/v1/models`, { headers: { "x-request-id": after } });
    await this.logged(new RegExp(` id=${after} `));
    return this.lines
      .filter((line) => line.includes(` id=${id} `))
      .map((line) => line.replace(/.* (\S+ \S+) id=.*/, "$1"));
  }

  /** Returns when it has ended. */
  terminate() {
    this.#child.kill("SIGTERM");
    return this.#ended;
  }

  async kill() {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** A stream that has the permit until it is closed. */
  running(question = LONG) {
    return this.#stream(question, "running", "data: ");
  }

  /** A stream that waits for the permit. Needs HEARTBEAT_INTERVAL: until a comment comes, it isn't known to wait. */
  waiting(question = LONG, client = "others") {
    return this.#stream(question, client, ": queue position=");
  }

  /** Returns when that many other requests of the client "others" wait: then one of these has a place behind them. */
  async awaitWaiting(count) {
    for (let own = 1; ; own++) {
      const { text } = await this.waiting();
      if (+/: queue position=(\d+)/.exec(text())[1] === own + count) return;
    }
  }

  /** Sends a chat of that client, or else of this address, and reads the response. */
  async post(body, client) {
    const response = await this.#chat(body, client);
    await response.text();
  }

  #chat(body, client, signal) {
    const headers = { "content-type": "application/json", ...(client && { "x-client-id": client }) };
    return fetch(`${this.url}/v1/chat/completions`, { method: "POST", headers, body, signal });
  }

  async #stream(question, client, expected) {
    const ended = new AbortController();
    const body = JSON.stringify({ stream: true, messages: [{ role: "user", content: question }] });
    const response = await this.#chat(body, client, ended.signal);
    let received = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const readUntil = async (text) => {
      while (!received.includes(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`no ${text} in ${received}`);
        received += value;
      }
    };
    await readUntil(expected);
    return { text: () => received, readUntil, close: () => ended.abort() };
  }
}

/** Forwards each connection to the server that is its target at that time. */
export async function proxy(test, target) {
  const open = new Set();
  const listening = createServer((client) => {
    const server = connect(new URL(front.target).port, "127.0.0.1");
    for (const [one, other] of [[client, server], [server, client]]) {
      open.add(one);
      one.on("error", () => {}).on("close", () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(listening, "listening");
  test.after(() => {
    listening.close();
    for (const socket of open) socket.destroy();
  });
  const front = { target, url: `http://127.0.0.1:${listening.address().port}` };
  return front;
}
