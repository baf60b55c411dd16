// LangChain's model for OpenAI.
import { ContextOverflowError } from "@langchain/core/errors";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from "@langchain/openai";
import assert from "node:assert/strict";
import { after } from "node:test";
import { z } from "zod";
import * as chats from "./chats.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("LangChain");
const server = await start({ after }, chats.CHATS);

const EVENT = z.object({ name: z.string(), kind: z.enum(["fair", "talk"]), guests: z.int().min(3), city: z.string() });

const chat = ({ id = "asked", url = server.url, ...more } = {}) =>
  new ChatOpenAI({
    model: "simulator",
    apiKey: "none",
    configuration: { baseURL: `${url}/v1`, defaultHeaders: { "x-request-id": id } },
    ...more,
  });

const once = (model, question) => model.invoke(question);

/** The stream's chunks, added up. */
async function streamed(model, question) {
  let sum;
  for await (const chunk of await model.stream(question)) sum = sum ? sum.concat(chunk) : chunk;
  return sum;
}

promise("reads the same answer at once and in a stream, with its usage", async () => {
  const answers = [await once(chat(), chats.SHORT), await streamed(chat(), chats.SHORT)];

  assert.equal(answers[0].text, answers[1].text);
  for (const { response_metadata, usage_metadata } of answers) {
    assert.equal(response_metadata.finish_reason, "stop");
    assert.equal(usage_metadata.output_tokens, 5);
    assert.equal(usage_metadata.total_tokens, usage_metadata.input_tokens + 5);
  }
});

promise("throws its own errors, and asks once", async () => {
  const refused = async (id, expected, options) => {
    for (const ask of [once, streamed]) {
      await assert.rejects(ask(chat({ id, ...options }), chats.SHORT), (e) => {
        const { status, code, lc_error_code } = e;
        assert.deepEqual({ status, code, lc_error_code }, expected, e);
        return true;
      });
    }
    assert.equal((await server.attempts(id, 2)).length, 2);
  };

  const unknown = { status: 404, code: "model_not_found", lc_error_code: "MODEL_NOT_FOUND" };
  await refused("unknown", unknown, { model: "none" });
  await refused("invalid", { status: 400, code: null, lc_error_code: undefined }, { temperature: 3 });
  for (const ask of [once, streamed]) {
    await assert.rejects(ask(chat(), chats.TOO_LONG), (e) => ContextOverflowError.isInstance(e));
  }
});

promise("asks again when the rate limit allows it", async (t) => {
  const limited = await start(t, chats.LIMITED);
  await limited.post("{}");

  const { text } = await chat({ url: limited.url }).invoke(chats.SHORT);

  assert.notEqual(text, "");
  const attempts = await limited.attempts("asked", 2);
  assert.equal(attempts[0], "429 rate_limit_exceeded");
  assert.equal(attempts.at(-1), "200 done");
});

promise("aborts a stream, and the model works on the next question", async () => {
  for await (const { text } of await chat({ id: "aborted" }).stream(chats.LONG)) if (text) break; // which aborts

  assert.deepEqual(await server.attempts("aborted", 1), ["200 client_gone"]);
  assert.equal((await chat().invoke(chats.SHORT)).response_metadata.finish_reason, "stop");
});

const city = z.object({ city: z.string() });

promise("calls a tool in ten turns, streaming or not", async () => {
  for (const ask of [once, streamed]) {
    const cities = [];
    const weather = tool(
      (called) => {
        cities.push(called.city);
        return `${chats.FORECAST}`;
      },
      { name: "get_weather", description: "The temperature", schema: city },
    );
    const model = chat().bindTools([weather]);
    const messages = [new HumanMessage(chats.WEATHER)];
    for (let turn = 0; turn < 11; turn++) {
      const answer = await ask(model, messages);
      messages.push(answer);
      for (const call of answer.tool_calls) messages.push(await weather.invoke(call));
    }

    assert.equal(messages.at(-1).text, chats.REPORT);
    assert.deepEqual(cities, chats.CITIES);
  }
});

promise("reads two tool calls, streaming or not", async () => {
  const names = ["get_weather", "get_time"];
  const model = chat().bindTools(names.map((name) => tool(() => "", { name, schema: city })));
  for (const ask of [once, streamed]) {
    const { tool_calls } = await ask(model, chats.BOTH);

    assert.deepEqual(tool_calls.map(({ name, args }) => [name, args.city]), names.map((name) => [name, "Paris"]));
  }
});

promise("reads structured output, by each of its methods", async () => {
  for (const method of ["jsonSchema", "functionCalling"]) {
    const model = chat().withStructuredOutput(EVENT, { method, name: "event" });

    assert.deepEqual(await model.invoke(chats.EVENT), chats.FAIR, method);
  }
  const model = chat().withStructuredOutput(z.object({ answer: z.string() }), { method: "jsonMode" });

  assert.deepEqual(Object.keys(await model.invoke("In JSON")), ["answer"]);
});

promise("shows an image", async () => {
  const parts = [
    { type: "text", text: chats.SHORT },
    { type: "image_url", image_url: { url: chats.IMAGE } },
  ];

  const { text } = await chat().invoke([new HumanMessage({ content: parts })]);

  assert.ok(text.startsWith(chats.SEEN), text);
});

promise("reads thoughts, which it can turn off", async () => {
  const thoughts = async (reasoning_effort) => {
    const model = chat({ model: "simulator-thinking", modelKwargs: { reasoning_effort } });
    const [answer, stream] = [await once(model, chats.SHORT), await streamed(model, chats.SHORT)];
    assert.equal(stream.text, answer.text);
    assert.equal(stream.additional_kwargs.reasoning_content, answer.additional_kwargs.reasoning_content);
    return answer.additional_kwargs.reasoning_content ?? "";
  };

  assert.match(await thoughts("high"), /./);
  assert.equal(await thoughts("none"), "");
});

promise("embeds texts", async () => {
  const embeddings = new OpenAIEmbeddings({
    model: "simulator-embed",
    apiKey: "none",
    configuration: { baseURL: `${server.url}/v1` },
  });

  const [one, two] = await embeddings.embedDocuments(["one", "two"]);

  assert.notDeepEqual(one, two);
  assert.deepEqual(await embeddings.embedQuery("one"), one);
});

promise("fills a gap", async () => {
  const fill = (suffix) =>
    new OpenAI({
      model: "simulator",
      apiKey: "none",
      configuration: { baseURL: `${server.url}/v1` },
      modelKwargs: { suffix },
    }).invoke("int sum(");

  assert.notEqual(await fill(") { return a + b; }"), await fill(") { return 0; }"));
});

promise("asks for responses", async () => {
  const model = chat({ useResponsesApi: true });

  const [answer, stream] = [await once(model, chats.SHORT), await streamed(model, chats.SHORT)];

  assert.equal(stream.text, answer.text);
  assert.equal(answer.usage_metadata.output_tokens, 5);
  assert.equal(stream.usage_metadata.output_tokens, 5);
});
