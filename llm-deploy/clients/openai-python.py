"""OpenAI's Python SDK gets complete answers and its own errors. Reads the servers and what to ask from CHAT_…."""

import asyncio
import os
import unittest

import openai

CHAT = {name.removeprefix("CHAT_"): value for name, value in os.environ.items() if name.startswith("CHAT_")}
SHORT = CHAT["SHORT"]


def settings(request, url):
    return {"base_url": f"{url}/v1", "api_key": "none", "default_headers": {"x-request-id": request}}


def client(request="asked", url=CHAT["SERVER"]):
    return openai.OpenAI(**settings(request, url))


def chat(content, **more):
    return {"model": "simulator", "messages": [{"role": "user", "content": content}]} | more


def ask(content, **more):
    return client().chat.completions.create(**chat(content, **more))


class Answers(unittest.TestCase):
    def test_reads_the_same_answer_at_once_and_in_a_stream_with_its_usage(self):
        answer = ask(SHORT)
        chunks = list(ask(SHORT, stream=True, stream_options={"include_usage": True}))

        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")
        for usage in (answer.usage, chunks[-1].usage):
            self.assertEqual(usage.completion_tokens, 5)
            self.assertEqual(usage.total_tokens, usage.prompt_tokens + 5)

    def test_lists_the_models(self):
        ids = [model.id for model in client().models.list()]

        self.assertEqual(ids[0], "simulator:latest")
        self.assertEqual(client().models.retrieve(ids[1]).id, ids[1])

    def test_aborts_a_stream_and_the_model_works_on_the_next_question(self):
        with client("aborted").chat.completions.create(**chat(CHAT["LONG"], stream=True)) as stream:
            next(iter(stream))

        self.assertEqual(ask(SHORT).choices[0].finish_reason, "stop")

    def test_is_asynchronous(self):
        async def read():
            async with openai.AsyncOpenAI(**settings("asked", CHAT["SERVER"])) as asynchronous:
                stream = await asynchronous.chat.completions.create(**chat(SHORT, stream=True))
                return [chunk async for chunk in stream]

        self.assertEqual(asyncio.run(read())[-1].choices[0].finish_reason, "stop")


class Refusals(unittest.TestCase):
    def refused(self, kind, code, param, content=SHORT, **more):
        for stream in (True, False):
            with self.subTest(param=param, stream=stream), self.assertRaises(openai.APIStatusError) as refused:
                ask(content, stream=stream, **more)
            refusal = refused.exception
            self.assertEqual((type(refusal), refusal.code, refusal.param), (kind, code, param))

    def test_are_of_its_own_types(self):
        self.refused(openai.NotFoundError, "model_not_found", "model", model="none")
        self.refused(openai.BadRequestError, None, "temperature", temperature=3)
        self.refused(openai.BadRequestError, "context_length_exceeded", "messages", CHAT["TOO_LONG"])

    def test_are_asked_again_when_the_rate_limit_allows_it(self):
        limited = client("limited", CHAT["LIMITED"])
        with self.assertRaises(openai.BadRequestError):
            client("invalid", CHAT["LIMITED"]).post("/chat/completions", body={}, cast_to=object)

        answer = limited.chat.completions.create(**chat(SHORT))

        self.assertEqual(answer.choices[0].finish_reason, "stop")


unittest.main()
