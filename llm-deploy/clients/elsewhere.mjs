// Clients in other languages, whose tests end with code 0.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as chats from "./chats.mjs";
import { start } from "./server.mjs";

/** A server, and one that limits rates. */
export async function startBoth(test) {
  const [server, limited] = await Promise.all([start(test, chats.CHATS), start(test, chats.LIMITED)]);
  return { server, limited };
}

/**
 * Runs a program, with that text as its input, until it ends; returns its output. Its environment has the servers, and
 * what to ask.
 */
export async function run(test, command, { server, limited }, input = "") {
  const env = { ...process.env, CHAT_SERVER: server.url, CHAT_LIMITED: limited.url };
  for (const [name, value] of Object.entries(chats)) {
    if (["string", "number"].includes(typeof value)) env[`CHAT_${name}`] = value;
  }
  const child = spawn(command[0], command.slice(1), { env, signal: test.signal, detached: true });
  test.after(() => kill(child));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  child.stdin.end(input);
  const [code] = await once(child, "close");
  assert.equal(code, 0, output);
  return output;
}

/** With all that it has started. */
function kill(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (e) {
    assert.equal(e.code, "ESRCH", e); // all have ended
  }
}
