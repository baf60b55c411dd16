// Vercel's AI SDK, with its provider for compatible servers.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, streamText } from "ai";
import assert from "node:assert/strict";
import { after } from "node:test";
import * as chats from "./chats.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("the AI SDK");
const server = await start({ after }, chats.CHATS);

const model = ({ id = "asked", name = "simulator", url = server.url } = {}) =>
  createOpenAICompatible({
    name: "gateway",
    baseURL: `${url}/v1`,
    apiKey: "none",
    headers: { "x-request-id": id },
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(name);

promise("reads the same answer at once and in a stream, with its usage", async () => {
  const answer = await generateText({ model: model(), prompt: chats.SHORT });
  const stream = streamText({ model: model(), prompt: chats.SHORT });

  assert.equal(await stream.text, answer.text);
  assert.equal(answer.finishReason, "stop");
  assert.equal(await stream.finishReason, "stop");
  for (const usage of [answer.usage, await stream.usage]) {
    assert.equal(usage.outputTokens, 5);
    assert.equal(usage.totalTokens, usage.inputTokens + 5);
  }
});

promise("throws errors with status and code, and asks once", async () => {
  const refused = async (id, status, code, options) => {
    const isRefusal = (e) => {
      assert.ok(APICallError.isInstance(e), e);
      assert.deepEqual([e.statusCode, e.data.error.code, e.isRetryable], [status, code, false]);
      return true;
    };
    const asked = { model: model({ id, ...options }), prompt: chats.SHORT, ...options };
    await assert.rejects(generateText(asked), isRefusal);
    const errors = [];
    await streamText({ ...asked, onError: ({ error }) => errors.push(error) }).consumeStream();
    assert.equal(errors.length, 1);
    assert.ok(isRefusal(errors[0]));
    assert.equal((await server.attempts(id, 2)).length, 2);
  };

  await refused("unknown", 404, "model_not_found", { name: "none" });
  await refused("invalid", 400, null, { temperature: 3 });
  await refused("too-long", 400, "context_length_exceeded", { prompt: chats.TOO_LONG });
});

promise("asks again when the rate limit allows it", async (t) => {
  const limited = await start(t, { RATE_LIMIT_RPM: 12, RATE_LIMIT_BURST: 1 });
  await limited.post("{}");

  const { text } = await generateText({ model: model({ url: limited.url }), prompt: chats.SHORT });

  assert.notEqual(text, "");
  assert.deepEqual(await limited.attempts("asked", 2), ["429 rate_limit_exceeded", "200 done"]);
});

promise("aborts a stream, and the model works on the next question", async () => {
  const aborted = new AbortController();
  const stream = streamText({ model: model({ id: "aborted" }), prompt: chats.LONG, abortSignal: aborted.signal });
  for await (const part of stream.textStream) {
    assert.notEqual(part, "");
    aborted.abort();
  }

  assert.deepEqual(await server.attempts("aborted", 1), ["200 client_gone"]);
  assert.equal((await generateText({ model: model(), prompt: chats.SHORT })).finishReason, "stop");
});
