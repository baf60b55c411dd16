// OpenAI's Node SDK gets complete answers: text, usage, tool calls, structured output, thinking; and typed errors.
import assert from "node:assert/strict";
import { after } from "node:test";
import { z } from "zod";
import * as chats from "./chats.mjs";
import { each } from "./openai-sdks.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("OpenAI's SDK");
const server = await start({ after }, chats.CHATS);
const USER = (content) => [{ role: "user", content }];
const EVENT = z.object({ name: z.string(), kind: z.enum(["fair", "talk"]), guests: z.int().min(3), city: z.string() });
const FAIR = { name: "Fair", kind: "fair", guests: 3, city: "Paris" };

const client = ({ OpenAI, name }, id) =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", defaultHeaders: { "x-request-id": `${name}-${id}` } });

const ask = (sdk, question, more) =>
  client(sdk, "asked").chat.completions.create({ model: "simulator", messages: USER(question), ...more });

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const text = (chunks) => chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

promise("reads the same answer at once and in a stream, with its usage", () =>
  each(async (sdk) => {
    const answer = await ask(sdk, chats.SHORT);
    const chunks = await read(await ask(sdk, chats.SHORT, { stream: true, stream_options: { include_usage: true } }));

    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(text(chunks), answer.choices[0].message.content);
    assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
    for (const usage of [answer.usage, chunks.at(-1).usage]) {
      assert.equal(usage.completion_tokens, 5);
      assert.equal(usage.total_tokens, usage.prompt_tokens + 5);
    }
  }),
);

promise("lists the models", () =>
  each(async (sdk) => {
    const ids = (await read(client(sdk, "models").models.list())).map(({ id }) => id);

    assert.equal(ids[0], "simulator:latest");
    assert.equal((await client(sdk, "model").models.retrieve(ids[1])).id, ids[1]);
  }),
);

promise("throws its own types", () =>
  each(async (sdk) => {
    const { NotFoundError, BadRequestError } = sdk.OpenAI;
    for (const stream of [true, false]) {
      const refused = (expected, more, question = chats.SHORT) =>
        assert.rejects(ask(sdk, question, { stream, ...more }), (e) => {
          assert.equal(e.constructor, expected.type, e);
          assert.deepEqual([e.status, e.code, e.param], [expected.status, expected.code, expected.param]);
          return true;
        });
      const invalid = { type: BadRequestError, status: 400 };

      await refused({ type: NotFoundError, status: 404, code: "model_not_found", param: "model" }, { model: "none" });
      await refused({ ...invalid, code: null, param: "temperature" }, { temperature: 3 });
      await refused({ ...invalid, code: "context_length_exceeded", param: "messages" }, {}, chats.TOO_LONG);
    }
  }),
);

promise("aborts a stream, and the model works on the next question", () =>
  each(async (sdk) => {
    const stream = await client(sdk, "aborted").chat.completions.create({
      model: "simulator",
      messages: USER(chats.LONG),
      stream: true,
    });
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break; // which aborts

    assert.deepEqual(await server.attempts(`${sdk.name}-aborted`, 1), ["200 client_gone"]);
    assert.equal((await ask(sdk, chats.SHORT)).choices[0].finish_reason, "stop");
  }),
);
