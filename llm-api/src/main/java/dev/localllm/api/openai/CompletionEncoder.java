package dev.localllm.api.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.api.openai.OpenAiJson.ToolCall;
import dev.localllm.api.openai.OpenAiJson.Usage;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Collects the events of one non-streaming response. What it holds counts against a budget until it is closed. One per
 * response. Thread-safe, as a response may be given up on another thread than the one that brings events.
 */
final class CompletionEncoder implements AutoCloseable {

    record Completion(String id, String object, long created, JsonText model, List<Choice> choices, Usage usage) {}

    /** @param logprobs never known */
    record Choice(int index, Message message, @Nullable String logprobs, String finishReason) {}

    /**
     * @param content null if there are tool calls only
     * @param refusal never known
     */
    record Message(
            String role,
            @Nullable String content,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String reasoning,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            List<ToolCall> toolCalls,

            @Nullable String refusal) {}

    private static final int MAX_BYTES = 8 << 20;
    private static final byte[] COMMA = {','};

    private final CompletionMetadata metadata;
    private final ByteBudget budget;
    private final SegmentedBytes text = new SegmentedBytes();
    private final SegmentedBytes thinking = new SegmentedBytes();
    private final SegmentedBytes toolCalls = new SegmentedBytes();
    private long budgeted;
    private boolean closed;
    private @Nullable Finished end;

    /** @param budget for the bytes of all responses that are being collected */
    CompletionEncoder(CompletionMetadata metadata, ByteBudget budget) {
        this.metadata = metadata;
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
                case ToolCallDelta delta -> add(delta.call());
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
        boolean calls = toolCalls.length() > 0;
        boolean thought = thinking.length() > 0;
        boolean said = text.length() > 0 || !calls; // tool calls alone have no content, as with OpenAI
        Completion completion = new Completion(
                metadata.id(),
                "chat.completion",
                metadata.created(),
                JsonText.of(metadata.model().value()),
                List.of(new Choice(
                        0,
                        new Message("assistant", said ? "" : null, thought ? "" : null, calls ? List.of() : null, null),
                        null,
                        OpenAiJson.of(finished.reason()))),
                Usage.of(finished.usage()));
        Map<String, SegmentedBytes> texts = new LinkedHashMap<>();
        putIf(said, "content", text, texts);
        putIf(thought, "reasoning", thinking, texts);
        putIf(calls, "tool_calls", toolCalls, texts);
        return joined(OpenAiJson.around(completion, List.copyOf(texts.keySet())), texts.values());
    }

    private static void putIf(boolean there, String field, SegmentedBytes value, Map<String, SegmentedBytes> texts) {
        if (there) {
            texts.put(field, value);
        }
    }

    /** @param around one piece more than there are values */
    private static List<ByteBuffer> joined(List<byte[]> around, Collection<SegmentedBytes> values) {
        List<ByteBuffer> body = new ArrayList<>();
        Iterator<byte[]> pieces = around.iterator();
        for (SegmentedBytes value : values) {
            body.add(ByteBuffer.wrap(pieces.next()));
            body.addAll(value.buffers());
        }
        body.add(ByteBuffer.wrap(pieces.next()));
        return body;
    }

    @Override
    public synchronized void close() {
        closed = true;
        budget.release(budgeted);
        budgeted = 0;
    }

    private void add(Part.ToolCall call) {
        if (toolCalls.length() > 0) {
            toolCalls.write(COMMA, 0, COMMA.length);
        }
        byte[] json = OpenAiJson.bytes(ToolCall.of(call, null));
        toolCalls.write(json, 0, json.length);
    }
}
