// OpenAI's Node SDK gets complete answers: text, usage, tool calls, structured output, thinking; and typed errors.
import assert from "node:assert/strict";
import { after } from "node:test";
import { z } from "zod";
import * as chats from "./chats.mjs";
import { each } from "./openai-sdks.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("OpenAI's SDK");
const server = await start({ after }, chats.CHATS);
const THINKING = { model: "simulator-thinking" };
const USER = (content) => [{ role: "user", content }];
const EVENT = z.object({ name: z.string(), kind: z.enum(["fair", "talk"]), guests: z.int().min(3), city: z.string() });

const client = ({ OpenAI, name }, id, url = server.url) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", defaultHeaders: { "x-request-id": `${name}-${id}` } });

const ask = (sdk, question, more) =>
  client(sdk, "asked").chat.completions.create({ model: "simulator", messages: USER(question), ...more });

const tools = (sdk) =>
  ["get_weather", "get_time"].map((name) => sdk.zodFunction({ name, parameters: z.object({ city: z.string() }) }));

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

promise("calls a tool in ten turns, streaming or not", () =>
  each(async (sdk) => {
    for (const stream of [true, false]) {
      const cities = [];
      const weather = sdk.zodFunction({
        name: "get_weather",
        parameters: z.object({ city: z.string() }),
        function: ({ city }) => {
          cities.push(city);
          return `${chats.FORECAST}`;
        },
      });
      const usage = stream && { stream_options: { include_usage: true } };
      const asked = { model: "simulator", messages: USER(chats.WEATHER), tools: [weather], stream, ...usage };

      const runner = client(sdk, "tools").chat.completions.runTools(asked, { maxChatCompletions: 11 });

      assert.equal(await runner.finalContent(), chats.REPORT);
      assert.deepEqual(cities, chats.CITIES);
      assert.ok((await runner.totalUsage()).completion_tokens > 0);
    }
  }),
);

promise("reads tool calls from a stream", () =>
  each(async (sdk) => {
    const calls = [];

    const stream = client(sdk, "asked").chat.completions.stream({
      model: "simulator",
      messages: USER(chats.BOTH),
      tools: tools(sdk),
    });
    stream.on("tool_calls.function.arguments.done", ({ name, parsed_arguments: { city } }) => calls.push(name, city));
    const { choices } = await stream.finalChatCompletion();

    assert.equal(choices[0].finish_reason, "tool_calls");
    assert.deepEqual(calls, ["get_weather", "Paris", "get_time", "Paris"]);
    const ids = choices[0].message.tool_calls.map(({ id }) => id);
    assert.equal(new Set(ids).size, 2);
  }),
);

promise("names the function that must be called", () =>
  each(async (sdk) => {
    const tool_choice = { type: "function", function: { name: "get_time" } };

    const { choices } = await ask(sdk, "What about city=Paris ?", { tools: tools(sdk), tool_choice });

    const { name, arguments: json } = choices[0].message.tool_calls[0].function;
    assert.deepEqual([name, JSON.parse(json)], ["get_time", { city: "Paris" }]);
  }),
);

promise("parses structured output, streaming or not", () =>
  each(async (sdk) => {
    const response_format = sdk.zodResponseFormat(EVENT, "event");
    const asked = { model: "simulator", messages: USER(chats.EVENT), response_format };
    const { completions } = client(sdk, "asked").chat;

    const answers = [await completions.parse(asked), await completions.stream(asked).finalChatCompletion()];

    for (const { choices } of answers) assert.deepEqual(choices[0].message.parsed, chats.FAIR);
  }),
);

promise("reads JSON", () =>
  each(async (sdk) => {
    const { choices } = await ask(sdk, "In JSON", { response_format: { type: "json_object" } });

    assert.equal(typeof JSON.parse(choices[0].message.content), "object");
  }),
);

promise("shows an image", () =>
  each(async (sdk) => {
    const parts = [
      { type: "text", text: chats.SHORT },
      { type: "image_url", image_url: { url: chats.IMAGE, detail: "auto" } },
    ];

    assert.ok((await ask(sdk, parts)).choices[0].message.content.startsWith(chats.SEEN));
  }),
);

promise("reads thoughts, which it can turn off", () =>
  each(async (sdk) => {
    const thoughts = async (more) => {
      const { message } = (await ask(sdk, chats.SHORT, { ...THINKING, ...more })).choices[0];
      const chunks = await read(await ask(sdk, chats.SHORT, { ...THINKING, ...more, stream: true }));
      const streamed = chunks.map(({ choices }) => choices[0]?.delta.reasoning_content ?? "").join("");
      assert.equal(text(chunks), message.content);
      assert.equal(streamed, message.reasoning_content ?? "");
      return streamed;
    };

    assert.notEqual(await thoughts({ reasoning_effort: "high" }), "");
    assert.equal(await thoughts({ reasoning_effort: "none" }), "");
  }),
);

promise("reads log probabilities", () =>
  each(async (sdk) => {
    const { choices } = await ask(sdk, chats.SHORT, { logprobs: true, top_logprobs: 2 });

    const { content } = choices[0].logprobs;
    assert.equal(content.map(({ token }) => token).join(""), choices[0].message.content);
    for (const { logprob, top_logprobs } of content) {
      assert.ok(logprob <= 0);
      assert.equal(top_logprobs.length, 2);
    }
  }),
);

promise("throws once if an answer doesn't match its schema, streaming or not", () =>
  each(async (sdk) => {
    const { InternalServerError, APIError } = sdk.OpenAI;
    const properties = { name: { type: "string", pattern: "^[0-9]+$" } };
    const json_schema = { name: "number", strict: true, schema: { type: "object", properties, required: ["name"] } };
    for (const stream of [true, false]) {
      const id = `mismatch-${stream}`;
      const messages = USER("Which name=none ?");
      const response_format = { type: "json_schema", json_schema };

      const answer = client(sdk, id).chat.completions.create({ model: "simulator", messages, response_format, stream });

      await assert.rejects(async () => read(await answer), (e) => {
        assert.deepEqual([e.constructor, e.code], [stream ? APIError : InternalServerError, "schema_not_honoured"], e);
        return true;
      });
      const ends = [`${stream ? 200 : 502} schema_not_honoured`];
      assert.deepEqual(await server.attempts(`${sdk.name}-${id}`, 1), ends);
    }
  }),
);

promise("learns what wasn't honoured where it may be", async (t) => {
  const { url } = await start(t);
  const schema = { type: "object", properties: { share: { type: "number", minimum: 5 } }, required: ["share"] };
  const response_format = { type: "json_schema", json_schema: { name: "share", schema } };
  await each(async (sdk) => {
    const lenient = client(sdk, "lenient", url).chat.completions;
    const asked = { model: "simulator", messages: USER(chats.SHORT), response_format, surprise: 1 };

    const { data, response } = await lenient.create(asked).withResponse();
    const chunks = await read(await lenient.create({ ...asked, stream: true }));

    assert.deepEqual(JSON.parse(data.choices[0].message.content), { share: 1.5 });
    assert.equal(response.headers.get("x-ignored-fields"), "surprise");
    assert.equal(response.headers.get("x-schema-mismatch"), "/properties/share/minimum");
    assert.equal(chunks.at(-1).choices[0].schema_mismatch, "/properties/share/minimum");
  });
});
