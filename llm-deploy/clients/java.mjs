// Java clients: a Maven project of their own.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import * as chats from "./chats.mjs";
import { run, startBoth } from "./elsewhere.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const MAVEN = [here("../../mvnw"), "-B", "-f", here("java/pom.xml"), "test"];
const CLIENTS = ["openai", "langchain4j", "spring-ai"];
const CLASSES = CLIENTS.length + 1;

const promise = chats.promises("Java's clients", 180);

promise("do what java/ says", async (t) => {
  const servers = await startBoth(t);

  const output = await run(t, MAVEN, servers);

  const tests = output.match(/^\[INFO\] Tests run: [1-9].* -- in \S+$/gm);
  for (const line of tests) t.diagnostic(line);
  assert.equal(tests.length, CLASSES);
  for (const client of CLIENTS) {
    assert.deepEqual(await servers.server.attempts(`${client}-aborted`, 1), ["200 client_gone"]);
    const attempts = await servers.limited.attempts(`${client}-limited`, 2);
    assert.equal(attempts[0], "429 rate_limit_exceeded");
    assert.equal(attempts.at(-1), "200 done");
  }
});
