package dev.localllm.api.stream;

import dev.localllm.core.chat.ChatEvent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.springframework.http.MediaType;

/** Another wire's non-streaming response: the lines that {@link NdjsonEncoder} streams, in an array. */
final class LinesBody implements BodyEncoder {

    private final StringBuilder lines = new StringBuilder();

    @Override
    public MediaType contentType() {
        return MediaType.APPLICATION_PROBLEM_JSON; // another than OpenAI's
    }

    @Override
    public long add(List<ChatEvent> events) {
        events.forEach(event -> lines.append(lines.isEmpty() ? "" : ",")
                .append(NdjsonEncoder.line(event).strip()));
        return lines.length();
    }

    @Override
    public List<ByteBuffer> encode() {
        return List.of(utf8("["), utf8(lines.toString()), utf8("]"));
    }

    private static ByteBuffer utf8(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
