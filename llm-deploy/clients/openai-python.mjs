// OpenAI's Python SDK, in a Debian that has it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import * as chats from "./chats.mjs";
import { run, startBoth } from "./elsewhere.mjs";

const { PYTHON_ROOT } = process.env;
const promise = chats.promises("OpenAI's Python SDK", 180);

promise("does what openai-python.py says", async (t) => {
  const { server, limited } = await startBoth(t);
  const script = await readFile(new URL("openai-python.py", import.meta.url));

  const output = await run(t, ["chroot", PYTHON_ROOT, "python3", "-", "-v"], { server, limited }, script);

  for (const line of output.split("\n").filter((line) => line.includes(" ... "))) t.diagnostic(line);
  assert.match(output, /^Ran [1-9]\d* tests/m);
  assert.deepEqual(await server.attempts("aborted", 1), ["200 client_gone"]);
  assert.deepEqual(await limited.attempts("limited", 2), ["429 rate_limit_exceeded", "200 done"]);
});
