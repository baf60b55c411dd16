package dev.localllm.api.openai;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.List;
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

    private static final byte[] DONE = utf8("data: [DONE]\n\n");
    private static final byte[] HEARTBEAT = utf8(": waiting\n\n");
    private static final int USUAL_TEXT_BYTES = 16;

    private final DataBufferFactory buffers;
    private final boolean includeUsage;
    private final String head;
    private final byte[] textHead;
    private final byte[] thinkingHead;
    private final byte[] textTail;
    private final String tail;
    private boolean started;

    ChunkEncoder(ResponseHead response, boolean includeUsage, DataBufferFactory buffers) {
        this.buffers = buffers;
        this.includeUsage = includeUsage;
        this.head = "data: {\"id\":\"" + response.id() + "\",\"object\":\"chat.completion.chunk\",\"created\":"
                + response.created() + ",\"model\":"
                + JsonText.of(response.model().value()).quoted() + ",\"choices\":[";
        String delta = head + "{\"index\":0,\"delta\":{";
        this.textHead = utf8(delta + "\"content\":\"");
        this.thinkingHead = utf8(delta + "\"reasoning\":\"");
        String close = "]" + (includeUsage ? ",\"usage\":null" : "") + "}\n\n";
        this.tail = close;
        this.textTail = utf8("\"},\"finish_reason\":null}" + close);
    }

    DataBuffer encode(List<ChatEvent> events) {
        int perEvent = textHead.length + USUAL_TEXT_BYTES + textTail.length;
        DataBuffer buffer = buffers.allocateBuffer((events.size() + (started ? 0 : 1)) * perEvent);
        if (!started) {
            started = true;
            buffer.write(choice("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
        }
        for (ChatEvent event : events) {
            encode(event, buffer);
        }
        return buffer;
    }

    /** A comment, which clients skip. */
    DataBuffer heartbeat() {
        return buffers.wrap(HEARTBEAT);
    }

    /** The frame that ends a broken stream. No {@code [DONE]} follows. */
    DataBuffer failure(FailureResponse failure) {
        byte[] body = OpenAiErrors.json(failure);
        DataBuffer buffer = buffers.allocateBuffer(body.length + USUAL_TEXT_BYTES);
        return buffer.write(utf8("data: ")).write(body).write(utf8("\n\n"));
    }

    private void encode(ChatEvent event, DataBuffer buffer) {
        switch (event) {
            case TextDelta delta -> text(textHead, delta.text(), buffer);
            case ThinkingDelta delta -> text(thinkingHead, delta.text(), buffer);
            case ToolCallDelta call -> buffer.write(choice(toolCall(call), "null"));
            case Finished end -> finish(end, buffer);
        }
    }

    private void text(byte[] before, JsonText text, DataBuffer buffer) {
        buffer.write(before);
        text.writeTo(buffer::write);
        buffer.write(textTail);
    }

    private void finish(Finished end, DataBuffer buffer) {
        buffer.write(choice("{}", "\"" + OpenAiWords.of(end.reason()) + "\""));
        if (includeUsage) {
            buffer.write(utf8(head + "],\"usage\":" + OpenAiWords.of(end.usage()) + "}\n\n"));
        }
        buffer.write(DONE);
    }

    private byte[] choice(String delta, String finishReason) {
        return utf8(head + "{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + finishReason + "}" + tail);
    }

    private static String toolCall(ToolCallDelta call) {
        return "{\"tool_calls\":[" + OpenAiWords.of(call, "\"index\":" + call.index() + ",") + "]}";
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
