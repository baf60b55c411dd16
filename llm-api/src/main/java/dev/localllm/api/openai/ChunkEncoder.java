package dev.localllm.api.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.OpenAiJson.ToolCall;
import dev.localllm.api.openai.OpenAiJson.Usage;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.JsonText;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;

/**
 * Writes one streamed answer as Server-Sent Events: all that came together becomes one buffer. What does not
 * change within an answer is rendered once; text is copied as it came.
 *
 * <pre>{@code
 * data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,
 *   "delta":{"content":"Hi"},"finish_reason":null}]}
 * }</pre>
 *
 * One encoder per answer; not thread-safe. Who takes a buffer releases it.
 */
final class ChunkEncoder {

    record Chunk(String id, String object, long created, JsonText model, List<Choice> choices) {}

    /** @param usage of the whole answer; null in all chunks but the last */
    record UsageChunk(
            String id,
            String object,
            long created,
            JsonText model,
            List<Choice> choices,
            @Nullable Usage usage) {}

    record Choice(int index, Delta delta, @Nullable String finishReason) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Delta(
            @Nullable String role,
            @Nullable String content,
            @Nullable String reasoning,
            @Nullable List<ToolCall> toolCalls) {}

    /** The frame of a piece of text, but for the text. */
    private static final class TextFrame {

        private final byte[] head;
        private final byte[] tail;

        private TextFrame(byte[] head, byte[] tail) {
            this.head = head;
            this.tail = tail;
        }
    }

    private static final Delta START = new Delta("assistant", "", null, null);
    private static final Delta TEXT = new Delta(null, "", null, null);
    private static final Delta THINKING = new Delta(null, null, "", null);
    private static final Delta END = new Delta(null, null, null, null);
    private static final byte[] DATA = utf8("data: ");
    private static final byte[] FRAME_END = utf8("\n\n");
    private static final byte[] DONE = utf8("data: [DONE]\n\n");
    private static final byte[] HEARTBEAT = utf8(": waiting\n\n");
    private static final int USUAL_TEXT_BYTES = 16;

    private final DataBufferFactory buffers;
    private final boolean includeUsage;
    private final ResponseHead response;
    private final JsonText model;
    private final TextFrame text;
    private @Nullable TextFrame thinking;
    private boolean started;

    ChunkEncoder(ResponseHead response, boolean includeUsage, DataBufferFactory buffers) {
        this.buffers = buffers;
        this.includeUsage = includeUsage;
        this.response = response;
        this.model = JsonText.of(response.model().value());
        this.text = textFrame(TEXT, "content");
    }

    DataBuffer encode(List<ChatEvent> events) {
        int perEvent = text.head.length + USUAL_TEXT_BYTES + text.tail.length;
        DataBuffer buffer = buffers.allocateBuffer((events.size() + (started ? 0 : 1)) * perEvent);
        if (!started) {
            started = true;
            write(chunk(START, null), buffer);
        }
        for (ChatEvent event : events) {
            encode(event, buffer);
        }
        return buffer;
    }

    /** A comment. */
    DataBuffer heartbeat() {
        return buffers.wrap(HEARTBEAT);
    }

    /** No {@code [DONE]} follows. */
    DataBuffer failure(FailureResponse failure) {
        byte[] body = OpenAiErrors.json(failure);
        DataBuffer buffer = buffers.allocateBuffer(DATA.length + body.length + FRAME_END.length);
        return buffer.write(DATA).write(body).write(FRAME_END);
    }

    private void encode(ChatEvent event, DataBuffer buffer) {
        switch (event) {
            case TextDelta delta -> write(delta.text(), text, buffer);
            case ThinkingDelta delta -> write(delta.text(), thinking(), buffer);
            case ToolCallDelta call -> write(chunk(toolCall(call), null), buffer);
            case Finished end -> finish(end, buffer);
        }
    }

    private void finish(Finished end, DataBuffer buffer) {
        write(chunk(END, OpenAiJson.of(end.reason())), buffer);
        if (includeUsage) {
            write(chunk(List.of(), Usage.of(end.usage())), buffer);
        }
        buffer.write(DONE);
    }

    private Object chunk(Delta delta, @Nullable String finishReason) {
        return chunk(List.of(new Choice(0, delta, finishReason)), null);
    }

    private Object chunk(List<Choice> choices, @Nullable Usage usage) {
        String object = "chat.completion.chunk";
        return includeUsage
                ? new UsageChunk(response.id(), object, response.created(), model, choices, usage)
                : new Chunk(response.id(), object, response.created(), model, choices);
    }

    private static Delta toolCall(ToolCallDelta call) {
        return new Delta(null, null, null, List.of(ToolCall.of(call, call.index())));
    }

    private TextFrame thinking() {
        TextFrame known = thinking;
        if (known == null) {
            known = textFrame(THINKING, "reasoning");
            thinking = known;
        }
        return known;
    }

    private TextFrame textFrame(Delta delta, String field) {
        List<byte[]> pieces = OpenAiJson.around(chunk(delta, null), List.of(field));
        return new TextFrame(joined(DATA, pieces.getFirst()), joined(pieces.getLast(), FRAME_END));
    }

    private static void write(JsonText text, TextFrame frame, DataBuffer buffer) {
        buffer.write(frame.head);
        text.writeTo(buffer::write);
        buffer.write(frame.tail);
    }

    private static void write(Object chunk, DataBuffer buffer) {
        buffer.write(DATA).write(OpenAiJson.bytes(chunk)).write(FRAME_END);
    }

    private static byte[] joined(byte[] first, byte[] second) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream(first.length + second.length);
        joined.writeBytes(first);
        joined.writeBytes(second);
        return joined.toByteArray();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
