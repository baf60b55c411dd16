package dev.localllm.api.openai;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Collects the events of one non-streaming response. What it holds counts against a budget until it is closed. One per
 * response. Thread-safe, as a response may be given up on another thread than the one that brings events.
 */
final class CompletionEncoder implements AutoCloseable {

    private static final int MAX_BYTES = 8 << 20;

    private final ResponseHead response;
    private final ByteBudget budget;
    private final SegmentedBytes text = new SegmentedBytes();
    private final SegmentedBytes thinking = new SegmentedBytes();
    private final SegmentedBytes toolCalls = new SegmentedBytes();
    private long budgeted;
    private boolean closed;
    private @Nullable Finished end;

    /** @param budget for the bytes of all responses that are being collected */
    CompletionEncoder(ResponseHead response, ByteBudget budget) {
        this.response = response;
        this.budget = budget;
    }

    /** Fails when this response, or all of them together, become too large to be collected. */
    synchronized void add(List<ChatEvent> events) {
        if (closed) {
            return;
        }
        for (ChatEvent event : events) {
            switch (event) {
                case TextDelta delta -> delta.text().writeTo(text::write);
                case ThinkingDelta delta -> delta.text().writeTo(thinking::write);
                case ToolCallDelta call -> add(OpenAiWords.of(call, ""));
                case Finished finished -> end = finished;
            }
        }
        long held = text.length() + thinking.length() + toolCalls.length();
        if (held > MAX_BYTES) {
            throw new LlmException(new UpstreamProtocol("The response is larger than " + MAX_BYTES + " bytes."));
        }
        if (!budget.tryTake(held - budgeted)) {
            throw new LlmException(
                    new Overloaded("The server collects too many non-streaming responses: use stream:true.", true));
        }
        budgeted = held;
    }

    /** The response's body in pieces. Events are complete when the port's stream is, so the end is known. */
    synchronized List<ByteBuffer> encode() {
        Finished finished = end;
        if (finished == null) {
            throw new IllegalStateException("the response completed without Finished");
        }
        List<ByteBuffer> body = new ArrayList<>();
        body.add(utf8(
                "{\"id\":\"" + response.id() + "\",\"object\":\"chat.completion\",\"created\":" + response.created()
                        + ",\"model\":" + OpenAiWords.quoted(response.model().value())
                        + ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"));
        addText(body);
        if (thinking.length() > 0) {
            body.add(utf8(",\"reasoning\":\""));
            body.addAll(thinking.buffers());
            body.add(utf8("\""));
        }
        if (toolCalls.length() > 0) {
            body.add(utf8(",\"tool_calls\":["));
            body.addAll(toolCalls.buffers());
            body.add(utf8("]"));
        }
        body.add(utf8(",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"" + OpenAiWords.of(finished.reason())
                + "\"}],\"usage\":" + OpenAiWords.of(finished.usage()) + "}"));
        return body;
    }

    @Override
    public synchronized void close() {
        closed = true;
        budget.release(budgeted);
        budgeted = 0;
    }

    private void add(String toolCall) {
        byte[] json = ((toolCalls.length() > 0 ? "," : "") + toolCall).getBytes(StandardCharsets.UTF_8);
        toolCalls.write(json, 0, json.length);
    }

    /** A response of tool calls only has no content, as with OpenAI. */
    private void addText(List<ByteBuffer> body) {
        if (text.length() == 0 && toolCalls.length() > 0) {
            body.add(utf8("null"));
            return;
        }
        body.add(utf8("\""));
        body.addAll(text.buffers());
        body.add(utf8("\""));
    }

    private static ByteBuffer utf8(String json) {
        return StandardCharsets.UTF_8.encode(json);
    }
}
