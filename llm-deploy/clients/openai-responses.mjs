// OpenAI's Node SDK asks /v1/responses: text, events, tools, structured output, thinking; and typed errors.
import assert from "node:assert/strict";
import { after } from "node:test";
import { z } from "zod";
import * as chats from "./chats.mjs";
import { each } from "./openai-sdks.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("OpenAI's SDK for responses");
const server = await start({ after }, chats.CHATS);
const EVENT = z.object({ name: z.string(), kind: z.enum(["fair", "talk"]), guests: z.int().min(3), city: z.string() });

const responses = ({ OpenAI, name }, id = "asked") =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", defaultHeaders: { "x-request-id": `${name}-${id}` } })
    .responses;

const asked = (input, more) => ({ model: "simulator", input, ...more });

const weather = (sdk) => sdk.zodResponsesFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) });

async function read(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

promise("reads the same answer at once and in a stream, with its usage", () =>
  each(async (sdk) => {
    const answer = await responses(sdk).create(asked(chats.SHORT, { instructions: "Be brief." }));
    const stream = responses(sdk).stream(asked(chats.SHORT, { instructions: "Be brief." }));
    const events = await read(stream);
    const streamed = await stream.finalResponse();

    assert.deepEqual(events.map(({ sequence_number }) => sequence_number), [...events.keys()]);
    assert.deepEqual([events[0].type, events.at(-1).type], ["response.created", "response.completed"]);
    const deltas = events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);
    assert.ok(deltas.length > 1);
    assert.equal(deltas.join(""), answer.output_text);
    for (const response of [answer, streamed]) {
      assert.deepEqual([response.status, response.store, response.error], ["completed", false, null]);
      assert.deepEqual([response.output_text, response.instructions], [answer.output_text, "Be brief."]);
      assert.equal(response.usage.output_tokens, 5);
      assert.equal(response.usage.total_tokens, response.usage.input_tokens + 5);
    }
  }),
);

promise("tells a cut answer", () =>
  each(async (sdk) => {
    const cut = asked(chats.SHORT, { max_output_tokens: 2 });
    const events = await read(await responses(sdk).create({ ...cut, stream: true }));

    assert.equal(events.at(-1).type, "response.incomplete");
    for (const response of [await responses(sdk).create(cut), events.at(-1).response]) {
      assert.deepEqual([response.status, response.incomplete_details], ["incomplete", { reason: "max_output_tokens" }]);
    }
  }),
);

promise("throws its own types, and learns what to do without a store", () =>
  each(async (sdk) => {
    const { NotFoundError, BadRequestError } = sdk.OpenAI;
    const refused = async (type, param, more, words = /./, input = chats.SHORT) => {
      for (const stream of [true, false]) {
        await assert.rejects(responses(sdk).create(asked(input, { stream, ...more })), (e) => {
          assert.deepEqual([e.constructor, e.param], [type, param], e);
          assert.match(e.message, words);
          return true;
        });
      }
    };

    await refused(NotFoundError, "model", { model: "none" });
    await refused(BadRequestError, "temperature", { temperature: 3 });
    await refused(BadRequestError, "store", { store: true }, /input/);
    await refused(BadRequestError, "previous_response_id", { previous_response_id: "resp_1" }, /input/);
    await refused(BadRequestError, "background", { background: true });
    await refused(BadRequestError, "tools[0].type", { tools: [{ type: "web_search" }] });
  }),
);

promise("aborts a stream, and the model works on the next question", () =>
  each(async (sdk) => {
    const stream = await responses(sdk, "aborted").create(asked(chats.LONG, { stream: true }));
    for await (const { type } of stream) if (type === "response.output_text.delta") break; // which aborts

    assert.deepEqual(await server.attempts(`${sdk.name}-aborted`, 1), ["200 client_gone"]);
    assert.equal((await responses(sdk).create(asked(chats.SHORT))).status, "completed");
  }),
);

promise("calls a tool in ten turns, streaming or not", () =>
  each(async (sdk) => {
    for (const ask of [
      (body) => responses(sdk).parse(body),
      (body) => responses(sdk).stream(body).finalResponse(),
    ]) {
      const cities = [];
      const input = [{ role: "user", content: chats.WEATHER }];
      let response;
      for (let turn = 0; turn < 11; turn++) {
        response = await ask(asked(input, { tools: [weather(sdk)] }));
        input.push(...response.output);
        for (const call of response.output.filter(({ type }) => type === "function_call")) {
          cities.push(call.parsed_arguments.city);
          input.push({ type: "function_call_output", call_id: call.call_id, output: `${chats.FORECAST}` });
        }
      }

      assert.equal(response.output_text, chats.REPORT);
      assert.deepEqual(cities, chats.CITIES);
    }
  }),
);

promise("reads tool calls from a stream", () =>
  each(async (sdk) => {
    const time = sdk.zodResponsesFunction({ name: "get_time", parameters: z.object({ city: z.string() }) });
    const events = await read(responses(sdk).stream(asked(chats.BOTH, { tools: [weather(sdk), time] })));

    const calls = events.filter(({ type }) => type === "response.function_call_arguments.done");
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), [{ city: "Paris" }, { city: "Paris" }]);
    const { output } = events.at(-1).response;
    assert.deepEqual(output.map(({ name }) => name), ["get_weather", "get_time"]);
    assert.deepEqual(calls.map(({ item_id }) => item_id), output.map(({ id }) => id));
  }),
);

promise("parses structured output, streaming or not", () =>
  each(async (sdk) => {
    const body = asked(chats.EVENT, { text: { format: sdk.zodTextFormat(EVENT, "event") } });

    const answers = [await responses(sdk).parse(body), await responses(sdk).stream(body).finalResponse()];

    for (const { output_parsed } of answers) assert.deepEqual(output_parsed, chats.FAIR);
  }),
);

promise("shows an image", () =>
  each(async (sdk) => {
    const content = [
      { type: "input_text", text: chats.SHORT },
      { type: "input_image", image_url: chats.IMAGE, detail: "auto" },
    ];

    assert.ok((await responses(sdk).create(asked([{ role: "user", content }]))).output_text.startsWith(chats.SEEN));
  }),
);

promise("reads thoughts, which it can turn off", () =>
  each(async (sdk) => {
    const thoughts = async (effort) => {
      const body = asked(chats.SHORT, { model: "simulator-thinking", reasoning: { effort } });
      const answer = await responses(sdk).create(body);
      const streamed = await responses(sdk).stream(body).finalResponse();
      const summaries = ({ output }) =>
        output.flatMap(({ type, summary }) => (type === "reasoning" ? summary.map(({ text }) => text) : [])).join("");
      assert.equal(streamed.output_text, answer.output_text);
      assert.equal(summaries(streamed), summaries(answer));
      return summaries(answer);
    };

    assert.notEqual(await thoughts("high"), "");
    assert.equal(await thoughts("none"), "");
  }),
);
