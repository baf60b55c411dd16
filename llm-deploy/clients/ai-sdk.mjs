// Vercel's AI SDK, with its provider for compatible servers.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateObject, generateText, isStepCount, Output, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { after } from "node:test";
import { z } from "zod";
import * as chats from "./chats.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("the AI SDK");
const server = await start({ after }, chats.CHATS);

const EVENT = z.object({ name: z.string(), kind: z.enum(["fair", "talk"]), guests: z.int().min(3), city: z.string() });

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
  const limited = await start(t, chats.LIMITED);
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

const CITY = z.object({ city: z.string() });

/** A tool that keeps the cities it was called with. */
function weather(cities) {
  const execute = async ({ city }) => {
    cities.push(city);
    return `${chats.FORECAST}`;
  };
  return { get_weather: tool({ description: "The temperature", inputSchema: CITY, execute }) };
}

promise("calls a tool in ten turns, streaming or not", async () => {
  for (const ask of [generateText, streamText]) {
    const cities = [];
    const asked = { model: model(), prompt: chats.WEATHER, tools: weather(cities), stopWhen: isStepCount(11) };

    const { text, steps, totalUsage } = await ask(asked);

    assert.equal(await text, chats.REPORT);
    assert.equal((await steps).length, 11);
    assert.equal((await steps)[0].finishReason, "tool-calls");
    assert.ok((await totalUsage).outputTokens > 0);
    assert.deepEqual(cities, chats.CITIES);
  }
});

promise("reads two tool calls from a stream", async () => {
  const get_time = tool({ description: "The time", inputSchema: CITY });

  const stream = streamText({ model: model(), prompt: chats.BOTH, tools: { ...weather([]), get_time } });

  const calls = (await stream.toolCalls).map(({ toolName, input }) => [toolName, input.city]);
  assert.deepEqual(calls, [["get_weather", "Paris"], ["get_time", "Paris"]]);
});

promise("calls the tool that it must", async () => {
  const asked = { tools: weather([]), toolChoice: { type: "tool", toolName: "get_weather" } };

  const { toolCalls } = await generateText({ model: model(), prompt: "What about city=Paris ?", ...asked });

  assert.deepEqual(toolCalls.map(({ toolName, input }) => [toolName, input]), [["get_weather", { city: "Paris" }]]);
});

promise("reads objects, streaming or not", async () => {
  const { object } = await generateObject({ model: model(), prompt: chats.EVENT, schema: EVENT });
  const stream = streamText({ model: model(), prompt: chats.EVENT, output: Output.object({ schema: EVENT }) });
  const parts = [];
  for await (const part of stream.partialOutputStream) parts.push(part);

  assert.deepEqual(object, chats.FAIR);
  assert.deepEqual(parts.at(-1), chats.FAIR);
  assert.ok(parts.length > 1);
});

promise("shows an image", async () => {
  const content = [
    { type: "text", text: chats.SHORT },
    { type: "file", data: chats.IMAGE, mediaType: "image/png" },
  ];

  const { text } = await generateText({ model: model(), messages: [{ role: "user", content }] });

  assert.ok(text.startsWith(chats.SEEN), text);
});

promise("reads thoughts, which it can turn off", async () => {
  const thoughts = async (reasoningEffort) => {
    const asked = { model: model({ name: "simulator-thinking" }), prompt: chats.SHORT };
    const providerOptions = { gateway: { reasoningEffort } };
    const answer = await generateText({ ...asked, providerOptions });
    const stream = streamText({ ...asked, providerOptions });
    assert.equal(await stream.text, answer.text);
    assert.equal(await stream.reasoningText, answer.reasoningText);
    return answer.reasoningText;
  };

  assert.match(await thoughts("high"), /./);
  assert.equal(await thoughts("none"), undefined);
});
