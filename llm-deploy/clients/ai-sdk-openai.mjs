// Vercel's AI SDK, with its provider for OpenAI, which asks /v1/responses.
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, embedMany, generateText, isStepCount, Output, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { after } from "node:test";
import { z } from "zod";
import * as chats from "./chats.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("the AI SDK for OpenAI");
const server = await start({ after }, { ...chats.CHATS, UNKNOWN_FIELDS: "ignore" });

const EVENT = z.object({ name: z.string(), kind: z.enum(["fair", "talk"]), guests: z.int().min(3), city: z.string() });

const provider = (id = "asked") =>
  createOpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", headers: { "x-request-id": id } });

/** Without a store, this SDK must send its earlier items. */
const asked = (prompt, { name = "simulator", id, openai, ...more } = {}) => ({
  model: provider(id)(name),
  prompt,
  providerOptions: { openai: { store: false, ...openai } },
  ...more,
});

const weather = (cities) => ({
  get_weather: tool({
    description: "The temperature",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      cities.push(city);
      return `${chats.FORECAST}`;
    },
  }),
});

promise("reads the same answer at once and in a stream, with its usage", async () => {
  const answer = await generateText(asked(chats.SHORT));
  const stream = streamText(asked(chats.SHORT));

  assert.equal(await stream.text, answer.text);
  assert.deepEqual([answer.finishReason, await stream.finishReason], ["stop", "stop"]);
  for (const usage of [answer.usage, await stream.usage]) assert.equal(usage.outputTokens, 5);
  assert.equal((await generateText(asked(chats.SHORT, { maxOutputTokens: 2 }))).finishReason, "length");
});

promise("calls a tool in ten turns, streaming or not", async () => {
  for (const ask of [generateText, streamText]) {
    const cities = [];

    const { text, steps } = await ask(asked(chats.WEATHER, { tools: weather(cities), stopWhen: isStepCount(11) }));

    assert.equal(await text, chats.REPORT);
    assert.equal((await steps)[0].finishReason, "tool-calls");
    assert.deepEqual(cities, chats.CITIES);
  }
});

promise("learns what to do if it refers to stored items, as it does by default", async () => {
  const user = (content) => ({ role: "user", content });
  const byDefault = { model: provider()("simulator") };
  const { response } = await generateText({ ...byDefault, messages: [user(chats.SHORT)] });
  const messages = [user(chats.SHORT), ...response.messages, user(chats.SHORT)];

  assert.equal((await generateText(asked(undefined, { messages }))).finishReason, "stop");
  await assert.rejects(generateText({ ...byDefault, messages }), (e) => {
    assert.ok(APICallError.isInstance(e), e);
    assert.equal(e.statusCode, 400);
    assert.match(e.message, /store/);
    return true;
  });
});

promise("reads objects, streaming or not", async () => {
  const output = Output.object({ schema: EVENT });

  assert.deepEqual((await generateText(asked(chats.EVENT, { output }))).output, chats.FAIR);
  const parts = [];
  for await (const part of streamText(asked(chats.EVENT, { output })).partialOutputStream) parts.push(part);
  assert.deepEqual(parts.at(-1), chats.FAIR);
});

promise("shows an image", async () => {
  const content = [
    { type: "text", text: chats.SHORT },
    { type: "file", data: chats.IMAGE, mediaType: "image/png" },
  ];

  const { text } = await generateText(asked(undefined, { messages: [{ role: "user", content }] }));

  assert.ok(text.startsWith(chats.SEEN), text);
});

promise("reads thoughts", async () => {
  const thinking = { name: "simulator-thinking", openai: { forceReasoning: true, reasoningEffort: "high" } };
  const answer = await generateText(asked(chats.SHORT, thinking));
  const stream = streamText(asked(chats.SHORT, thinking));

  assert.match(answer.reasoningText, /./);
  assert.equal(await stream.reasoningText, answer.reasoningText);
  assert.equal(await stream.text, answer.text);
});

promise("aborts a stream, and the model works on the next question", async () => {
  const aborted = new AbortController();
  const stream = streamText(asked(chats.LONG, { id: "aborted", abortSignal: aborted.signal }));
  for await (const part of stream.textStream) {
    assert.notEqual(part, "");
    aborted.abort();
  }

  assert.deepEqual(await server.attempts("aborted", 1), ["200 client_gone"]);
  assert.equal((await generateText(asked(chats.SHORT))).finishReason, "stop");
});

promise("embeds texts", async () => {
  const { embeddings } = await embedMany({
    model: provider().embedding("simulator-embed"),
    values: ["one", "two", "one"],
  });

  assert.deepEqual(embeddings[0], embeddings[2]);
  assert.notDeepEqual(embeddings[0], embeddings[1]);
});

promise("completes a text", async () => {
  const model = provider().completion("simulator");

  assert.equal((await generateText({ model, prompt: chats.SHORT })).finishReason, "stop");
});
