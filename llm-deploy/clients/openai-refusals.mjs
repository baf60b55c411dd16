// OpenAI's Node SDK understands every refusal: what it throws, how often it asks, and how long it pauses in between.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { promises } from "./chats.mjs";
import { each, SDKS } from "./openai-sdks.mjs";
import { proxy, start } from "./server.mjs";

const promise = promises("OpenAI's SDK");
const SOON = { HEARTBEAT_INTERVAL: "50ms" }; // of the first comment, too
const QUESTION = "Answer in 3 tokens";

/**
 * Asks with the SDK's defaults. The outcome has the chunks or the completion; what was thrown; and of each attempt its
 * response, and the pause before it.
 */
async function ask({ name, OpenAI }, { url }, { stream = false, question = QUESTION, id = "asked", ...more } = {}) {
  const { client = name, onResponse = () => {} } = more;
  const attempts = [];
  let ended;
  const sdk = new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: "none",
    defaultHeaders: { "x-request-id": `${name}-${id}`, "x-client-id": client },
    fetch: async (...request) => {
      const attempt = { pause: performance.now() - ended };
      attempts.push(attempt);
      attempt.response = await fetch(...request);
      ended = performance.now();
      onResponse(attempt.response);
      return attempt.response;
    },
  });
  const chunks = [];
  try {
    const messages = [{ role: "user", content: question }];
    const answer = await sdk.chat.completions.create({ model: "simulator", messages, stream });
    if (stream) for await (const chunk of answer) chunks.push(chunk);
    return { attempts, chunks, answer };
  } catch (refusal) {
    return { attempts, chunks, refusal };
  }
}

function assertServed({ refusal, answer }) {
  assert.ifError(refusal);
  assert.equal(answer.choices[0].finish_reason, "stop");
}

/** A refusal with a status and headers of its own. */
function assertRefused({ refusal, chunks }, type, status, code, shouldRetry) {
  assert.equal(refusal?.constructor, type, refusal);
  assert.deepEqual([refusal.status, refusal.code], [status, code]);
  assert.equal(refusal.headers.get("x-should-retry"), shouldRetry);
  assert.deepEqual(chunks, []);
}

/** A refusal in a stream that had started. */
function assertFrame({ refusal, chunks, attempts }, { OpenAI }, code) {
  assert.equal(refusal?.constructor, OpenAI.APIError, refusal);
  assert.equal(refusal.code, code);
  assert.deepEqual(chunks, []);
  assert.deepEqual(attempts.map(({ response }) => response.status), [200]);
}

/** It paused before its second attempt as long as the server said, which was longer than it does by itself. */
function assertPause({ attempts }, leastMs, mostMs) {
  const told = +attempts[0].response.headers.get("retry-after-ms");
  assert.ok(told >= leastMs && told <= mostMs, `told ${told} ms, expected ${leastMs} to ${mostMs}`);
  assert.ok(attempts[1].pause >= told - 1, `paused ${attempts[1].pause} ms, told ${told} ms`);
}

/** What the server's log says of the attempts. */
const assertAttempts = async (server, { name }, ends, id = "asked") =>
  assert.deepEqual(await server.attempts(`${name}-${id}`, ends.length), ends);

promise("asks again when the rate limit allows it", async (t) => {
  const server = await start(t, { RATE_LIMIT_RPM: 12, RATE_LIMIT_BURST: 1 });
  await each(async (sdk) => {
    await server.post("{}", sdk.name);

    const asked = await ask(sdk, server);

    assertServed(asked);
    await assertAttempts(server, sdk, ["429 rate_limit_exceeded", "200 done"]);
    assertPause(asked, 600, 5000);
  });
});

promise("doesn't wait a minute for the rate limit", async (t) => {
  const server = await start(t, { RATE_LIMIT_RPM: 1, RATE_LIMIT_BURST: 1 });
  await each(async (sdk) => {
    await server.post("{}", sdk.name);

    const asked = await ask(sdk, server);

    assertRefused(asked, sdk.OpenAI.RateLimitError, 429, "rate_limit_exceeded", "false");
    await assertAttempts(server, sdk, ["429 rate_limit_exceeded"]);
  });
});

promise("asks again when there may be room, for its client or in the queue", async (t) => {
  const server = await start(t, { ...SOON, QUEUE_PER_CLIENT: 1, MAX_CONCURRENT_REQUESTS: 2 + SDKS.length });
  const running = await server.running();
  for (const { name } of SDKS) await server.waiting(QUESTION, name);
  const behind = await server.waiting(QUESTION, "others");
  const refusals = server.logged(/ 503 overloaded id=/, 2 * SDKS.length);
  const makeRoom = async () => {
    await refusals;
    running.close();
    await behind.readUntil("[DONE]");
  };

  await Promise.all([
    makeRoom(),
    each(async (sdk) => {
      const check = async (id, client) => {
        const asked = await ask(sdk, server, { id, client });

        assertServed(asked);
        await assertAttempts(server, sdk, ["503 overloaded", "200 done"], id);
        assertPause(asked, 5000, 5000);
      };
      await Promise.all([check("own", sdk.name), check("full", `${sdk.name}-2`)]);
    }),
  ]);
});

promise("doesn't retry when the wait is hopeless", async (t) => {
  const limits = { QUEUE_TIMEOUT: "20s", QUEUE_PER_CLIENT: 64 };
  const server = await start(t, { ...SOON, ...limits, SIMULATOR_TOKENS_PER_SECOND: 2 });
  const running = await server.running();
  const typical = await server.waiting("Answer in 4 tokens");
  const next = await server.waiting();
  for (let i = 0; i < 50; i++) await server.waiting();
  running.close();
  await typical.readUntil("[DONE]");
  await next.readUntil("data: ");

  await each(async (sdk) => {
    const asked = await ask(sdk, server, { client: "others" });

    assertRefused(asked, sdk.OpenAI.InternalServerError, 503, "overloaded", "false");
    assert.match(asked.refusal.message, /The wait would be too long\. The request would have place 51 and an expected/);
    await assertAttempts(server, sdk, ["503 overloaded"]);
  });
});

promise("doesn't retry when it has waited too long", async (t) => {
  const server = await start(t, { QUEUE_TIMEOUT: "300ms" });
  await server.running();
  await each(async (sdk) => {
    for (const stream of [true, false]) {
      const id = `stream-${stream}`;

      const asked = await ask(sdk, server, { stream, id });

      assertRefused(asked, sdk.OpenAI.InternalServerError, 503, "queue_timeout", "false");
      await assertAttempts(server, sdk, ["503 queue_timeout"], id);
    }
  });
});

promise("reads the end of its wait from a stream that started after 5 s", async (t) => {
  const server = await start(t, { QUEUE_TIMEOUT: "7s" });
  await server.running();
  await each(async (sdk) => {
    const asked = await ask(sdk, server, { stream: true });

    assertFrame(asked, sdk, "queue_timeout");
    await assertAttempts(server, sdk, ["200 queue_timeout"]);
  });
});

promise("reads an answer after its places in the queue", async (t) => {
  const server = await start(t, SOON);
  const running = await server.running();
  let waiting = SDKS.length;
  // Only a comment can have started the stream.
  const onResponse = () => --waiting || running.close();
  await each(async (sdk) => {
    const { refusal, chunks } = await ask(sdk, server, { stream: true, onResponse });

    assert.ifError(refusal);
    assert.equal(chunks.length, 1 + 3 + 1);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  });
});

promise("asks the next server when this one stops", async (t) => {
  const many = { QUEUE_PER_CLIENT: 1000, MAX_CONCURRENT_REQUESTS: 1000 };
  const [stopping, next] = await Promise.all([start(t, { ...SOON, ...many }), start(t)]);
  const front = await proxy(t, stopping.url);
  await stopping.running();
  const onResponse = () => {
    front.target = next.url;
  };
  const stop = async () => {
    await stopping.awaitWaiting(SDKS.length);
    stopping.terminate();
  };

  await Promise.all([
    stop(),
    each(async (sdk) => {
      const asked = await ask(sdk, front, { client: "others", onResponse });

      assertServed(asked);
      assert.match(await stopping.logged(new RegExp(` id=${sdk.name}-asked `)), / 503 shutting_down id=/);
      await assertAttempts(next, sdk, ["200 done"]);
      assert.equal(asked.attempts.length, 2);
      assert.equal(asked.attempts[0].response.headers.get("retry-after"), "1");
      assert.equal(asked.attempts[0].response.headers.get("x-should-retry"), "true");
      assertPause(asked, 1000, 1000);
    }),
  ]);
});

promise("reads the stop of the server from a stream", async (t) => {
  const server = await start(t, SOON);
  await server.running();
  let waiting = SDKS.length;
  const onResponse = () => --waiting || server.terminate();
  await each(async (sdk) => {
    assertFrame(await ask(sdk, server, { stream: true, onResponse }), sdk, "shutting_down");
    assert.match(await server.logged(new RegExp(` id=${sdk.name}-asked `)), / 200 shutting_down id=/);
  });
});

promise("asks three times if a failure says nothing about it", async (t) => {
  const broken = createServer((request, response) => response.end("no Ollama")).listen(0, "127.0.0.1");
  t.after(() => broken.close());
  await once(broken, "listening");
  const url = `http://127.0.0.1:${broken.address().port}`;
  const server = await start(t, { OLLAMA_BASE_URL: url, MODEL_NAME: "simulator" });
  await each(async (sdk) => {
    const asked = await ask(sdk, server);

    assertRefused(asked, sdk.OpenAI.InternalServerError, 502, "upstream_protocol_error", null);
    await assertAttempts(server, sdk, Array(3).fill("502 upstream_protocol_error"));
  });
});

promise("doesn't retry a request that is too large", async (t) => {
  const server = await start(t, { MAX_PROMPT_CHARACTERS: 100, MAX_BODY_SIZE: "1KB" });
  await each(async (sdk) => {
    const sizes = [[101, sdk.OpenAI.BadRequestError, 400], [2000, sdk.OpenAI.APIError, 413]];
    for (const [characters, type, status] of sizes) {
      const id = `${status}`;

      const asked = await ask(sdk, server, { question: "x".repeat(characters), id });

      assertRefused(asked, type, status, null, null);
      await assertAttempts(server, sdk, [`${status} invalid_request`], id);
    }
  });
});
