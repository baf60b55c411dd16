"""OpenAI's Python SDK gets complete answers and its own errors. Reads the servers and what to ask from CHAT_…."""

import asyncio
import json
import os
import typing
import unittest

import openai
import pydantic

CHAT = {name.removeprefix("CHAT_"): value for name, value in os.environ.items() if name.startswith("CHAT_")}
SHORT = CHAT["SHORT"]

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}


class Event(pydantic.BaseModel):
    name: str
    kind: typing.Literal["fair", "talk"]
    guests: int = pydantic.Field(ge=3)
    city: str


FAIR = Event(name="Fair", kind="fair", guests=3, city="Paris")


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


class Tools(unittest.TestCase):
    def turns(self, ask):
        """Asks until the model calls no tool. Returns the cities that it asked about, and its answer."""
        messages, cities = chat(CHAT["WEATHER"])["messages"], []
        while calls := (answer := ask(messages)).tool_calls:
            messages.append(answer)
            for call in calls:
                cities.append(json.loads(call.function.arguments)["city"])
                messages.append({"role": "tool", "tool_call_id": call.id, "content": CHAT["FORECAST"]})
            self.assertLess(len(cities), 20)
        return cities, answer.content

    def test_are_called_in_ten_turns(self):
        def ask(messages):
            completions = client().chat.completions
            return completions.create(model="simulator", messages=messages, tools=[WEATHER]).choices[0].message

        self.assertEqual(self.turns(ask), (["Paris"] * 10, CHAT["REPORT"]))

    def test_are_called_in_ten_turns_from_streams(self):
        def ask(messages):
            completions = client().chat.completions
            with completions.stream(model="simulator", messages=messages, tools=[WEATHER]) as stream:
                return stream.get_final_completion().choices[0].message

        self.assertEqual(self.turns(ask), (["Paris"] * 10, CHAT["REPORT"]))

    def test_must_be_called_if_named(self):
        choice = {"type": "function", "function": {"name": "get_weather"}}

        calls = ask("What about city=Paris ?", tools=[WEATHER], tool_choice=choice).choices[0].message.tool_calls

        self.assertEqual([json.loads(call.function.arguments) for call in calls], [{"city": "Paris"}])


class Features(unittest.TestCase):
    def test_structured_output_is_parsed(self):
        answer = client().chat.completions.parse(**chat(CHAT["EVENT"], response_format=Event))

        self.assertEqual(answer.choices[0].message.parsed, FAIR)

    # Without the SDK's parsing of parts, for which Debian lacks jiter.
    def test_structured_output_is_streamed(self):
        schema = {"name": "event", "schema": Event.model_json_schema()}

        chunks = ask(CHAT["EVENT"], stream=True, response_format={"type": "json_schema", "json_schema": schema})

        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual(Event.model_validate_json(text), FAIR)

    def test_an_image_is_shown(self):
        parts = [{"type": "text", "text": SHORT}, {"type": "image_url", "image_url": {"url": CHAT["IMAGE"]}}]

        text = ask(parts).choices[0].message.content

        self.assertTrue(text.startswith(CHAT["SEEN"]), text)

    def test_thoughts_are_read_and_can_be_turned_off(self):
        def thoughts(effort):
            asked = {"model": "simulator-thinking", "reasoning_effort": effort}
            message = ask(SHORT, **asked).choices[0].message
            deltas = [chunk.choices[0].delta for chunk in ask(SHORT, stream=True, **asked)]
            streamed = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
            self.assertEqual("".join(delta.content or "" for delta in deltas), message.content)
            self.assertEqual(getattr(message, "reasoning_content", None) or "", streamed)
            return streamed

        self.assertNotEqual(thoughts("high"), "")
        self.assertEqual(thoughts("none"), "")

    def test_log_probabilities_are_read(self):
        choice = ask(SHORT, logprobs=True, top_logprobs=2).choices[0]

        self.assertEqual("".join(token.token for token in choice.logprobs.content), choice.message.content)
        self.assertEqual({len(token.top_logprobs) for token in choice.logprobs.content}, {2})


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
