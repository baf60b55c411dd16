// OpenAI's Node SDK asks for embeddings and completions.
import assert from "node:assert/strict";
import { after } from "node:test";
import * as chats from "./chats.mjs";
import { each } from "./openai-sdks.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("OpenAI's SDK");
const server = await start({ after }, chats.CHATS);

const client = ({ OpenAI, name }, id = "asked") =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", defaultHeaders: { "x-request-id": `${name}-${id}` } });

const embed = (sdk, more) =>
  client(sdk).embeddings.create({ model: "simulator-embed", input: ["one", "two", "one"], ...more });

const complete = (sdk, more, id) =>
  client(sdk, id).completions.create({ model: "simulator", prompt: chats.SHORT, ...more });

promise("reads embeddings in both encodings", () =>
  each(async (sdk) => {
    const float = await embed(sdk, { encoding_format: "float" });
    const base64 = await embed(sdk, { encoding_format: "base64" });
    const decoded = await embed(sdk);

    assert.deepEqual(float.data.map(({ index }) => index), [0, 1, 2]);
    assert.deepEqual(float.data[0].embedding, float.data[2].embedding);
    assert.notDeepEqual(float.data[0].embedding, float.data[1].embedding);
    for (const [i, { embedding }] of float.data.entries()) {
      const bytes = Buffer.from(base64.data[i].embedding, "base64");
      assert.equal(Buffer.from(Float32Array.from(embedding).buffer).compare(bytes), 0);
      assert.deepEqual(Float32Array.from(decoded.data[i].embedding), Float32Array.from(embedding));
    }
    assert.ok(float.usage.prompt_tokens > 0);
    assert.equal(float.usage.total_tokens, float.usage.prompt_tokens);
  }),
);

promise("reads embeddings of fewer dimensions", () =>
  each(async (sdk) => {
    const { data } = await embed(sdk, { input: "one", dimensions: 8 });

    assert.deepEqual(data.map(({ embedding }) => embedding.length), [8]);
  }),
);

promise("learns what can't be embedded", () =>
  each(async (sdk) => {
    const refused = (status, param, code, more) =>
      assert.rejects(embed(sdk, more), (e) => {
        assert.deepEqual([e.status, e.param, e.code], [status, param, code], e);
        return true;
      });

    await refused(404, "model", "model_not_found", { model: "none" });
    await refused(400, "input", null, { input: [1, 2] });
    await refused(400, "input", null, { input: [] });
    await assert.rejects(embed(sdk, { input: "word ".repeat(200_000) }), (e) => e.status === 400);
  }),
);

promise("reads the same completion at once and in a stream, with its usage", () =>
  each(async (sdk) => {
    const answer = await complete(sdk);
    const chunks = [];
    const stream = await complete(sdk, { stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) chunks.push(chunk);

    const text = chunks.map(({ choices }) => choices[0]?.text ?? "").join("");
    assert.equal(text, answer.choices[0].text);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
    for (const usage of [answer.usage, chunks.at(-1).usage]) {
      assert.equal(usage.completion_tokens, 5);
      assert.equal(usage.total_tokens, usage.prompt_tokens + 5);
    }
    assert.equal((await complete(sdk, { max_tokens: 2 })).choices[0].finish_reason, "length");
  }),
);

promise("fills a gap, as editors do", () =>
  each(async (sdk) => {
    const fill = async (suffix) => (await complete(sdk, { prompt: "int sum(", suffix })).choices[0].text;

    assert.notEqual(await fill(") { return a + b; }"), await fill(") { return 0; }"));
    await assert.rejects(complete(sdk, { model: "simulator-2", suffix: "}" }), (e) => e.status === 400);
  }),
);

promise("learns what completions can't do", () =>
  each(async (sdk) => {
    for (const more of [{ echo: true }, { best_of: 2 }, { n: 2 }, { logprobs: 6 }]) {
      await assert.rejects(complete(sdk, more), (e) => {
        assert.deepEqual([e.status, e.param], [400, Object.keys(more)[0]], e);
        return true;
      });
    }
  }),
);

promise("aborts a completion, and the model works on the next one", () =>
  each(async (sdk) => {
    const stream = await complete(sdk, { prompt: chats.LONG, stream: true }, "aborted");
    for await (const { choices } of stream) if (choices[0].text) break; // which aborts

    assert.deepEqual(await server.attempts(`${sdk.name}-aborted`, 1), ["200 client_gone"]);
    assert.equal((await complete(sdk)).choices[0].finish_reason, "stop");
  }),
);
