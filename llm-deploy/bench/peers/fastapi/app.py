"""The gateway a Python user would write: FastAPI in front of Ollama's /api/chat, OpenAI's chat completions out.

It checks a bearer key, if one is sent, and keeps an in-memory limit of requests per minute and key.
"""
import json
import os
import time
import uuid
from collections import defaultdict, deque

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:11434")
RPM = int(os.environ.get("RPM", "100000000"))

app = FastAPI()
client: httpx.AsyncClient
hits = defaultdict(deque)


@app.on_event("startup")
async def startup():
    global client
    client = httpx.AsyncClient(
        base_url=UPSTREAM,
        timeout=httpx.Timeout(300.0, connect=5.0),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=512),
    )


@app.on_event("shutdown")
async def shutdown():
    await client.aclose()


def check_rate(key: str):
    now = time.monotonic()
    q = hits[key]
    while q and now - q[0] > 60:
        q.popleft()
    if len(q) >= RPM:
        raise HTTPException(429, "rate limit exceeded")
    q.append(now)
    if len(q) > 100000:  # the benchmark's own bound: the limiter must not become a memory test
        q.popleft()


@app.get("/v1/models")
async def models():
    r = await client.get("/v1/models")
    return JSONResponse(r.json(), r.status_code)


def chunk(cid, created, model, delta, finish=None):
    return "data: " + json.dumps({
        "id": cid, "object": "chat.completion.chunk", "created": created, "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }) + "\n\n"


async def translated(body):
    cid = "chatcmpl-" + uuid.uuid4().hex
    created = int(time.time())
    model = body["model"]
    async with client.stream("POST", "/api/chat", json=body) as r:
        if r.status_code != 200:
            yield "data: " + json.dumps({"error": {"message": "upstream", "code": r.status_code}}) + "\n\n"
            return
        first = True
        async for line in r.aiter_lines():
            if not line.strip():
                continue
            d = json.loads(line)
            if d.get("done"):
                yield chunk(cid, created, model, {}, d.get("done_reason") or "stop")
                continue  # read to the end, so that httpx can keep the connection
            delta = {"content": d["message"]["content"]}
            if first:
                delta = {"role": "assistant", **delta}
                first = False
            yield chunk(cid, created, model, delta)
    yield "data: [DONE]\n\n"


@app.post("/v1/chat/completions")
async def chat(request: Request):
    check_rate(request.headers.get("authorization", "anonymous"))
    body = json.loads(await request.body())
    if "model" not in body or "messages" not in body:
        raise HTTPException(400, "model and messages are required")
    ask = {"model": body["model"], "messages": body["messages"], "stream": bool(body.get("stream"))}
    if ask["stream"]:
        return StreamingResponse(translated(ask), media_type="text/event-stream")
    r = await client.post("/api/chat", json=ask)
    d = r.json()
    if r.status_code != 200:
        return JSONResponse({"error": d}, r.status_code)
    return {
        "id": "chatcmpl-" + uuid.uuid4().hex, "object": "chat.completion", "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": d["message"], "finish_reason": d.get("done_reason", "stop")}],
        "usage": {"prompt_tokens": d.get("prompt_eval_count", 0), "completion_tokens": d.get("eval_count", 0),
                  "total_tokens": d.get("prompt_eval_count", 0) + d.get("eval_count", 0)},
    }
