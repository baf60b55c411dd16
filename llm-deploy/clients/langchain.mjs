// LangChain's model for OpenAI.
import { ChatOpenAI } from "@langchain/openai";
import assert from "node:assert/strict";
import { after } from "node:test";
import * as chats from "./chats.mjs";
import { start } from "./server.mjs";

const promise = chats.promises("LangChain");
const server = await start({ after }, chats.CHATS);

const chat = ({ id = "asked", url = server.url, ...more } = {}) =>
  new ChatOpenAI({
    model: "simulator",
    apiKey: "none",
    configuration: { baseURL: `${url}/v1`, defaultHeaders: { "x-request-id": id } },
    ...more,
  });

/** The stream's chunks, added up. */
async function whole(stream) {
  let sum;
  for await (const chunk of stream) sum = sum ? sum.concat(chunk) : chunk;
  return sum;
}

promise("reads the same answer at once and in a stream, with its usage", async () => {
  const answer = await chat().invoke(chats.SHORT);
  const streamed = await whole(await chat().stream(chats.SHORT));

  assert.equal(streamed.text, answer.text);
  for (const { response_metadata, usage_metadata } of [answer, streamed]) {
    assert.equal(response_metadata.finish_reason, "stop");
    assert.equal(usage_metadata.output_tokens, 5);
    assert.equal(usage_metadata.total_tokens, usage_metadata.input_tokens + 5);
  }
});

promise("throws its own errors, and asks once", async () => {
  const refused = async (id, expected, options, question = chats.SHORT) => {
    const ask = chat({ id, ...options });
    for (const asking of [ask.invoke(question), ask.stream(question).then(whole)]) {
      await assert.rejects(asking, (e) => {
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
});

promise("asks again when the rate limit allows it", async (t) => {
  const limited = await start(t, { RATE_LIMIT_RPM: 12, RATE_LIMIT_BURST: 1 });
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
