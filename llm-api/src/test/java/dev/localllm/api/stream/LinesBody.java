package dev.localllm.api.stream;

import dev.localllm.core.chat.ChatEvent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.springframework.http.MediaType;

/** The non-streaming response of a test wire: the lines of {@link NdjsonEncoder} in an array. */
final class LinesBody implements BodyEncoder {

    private final StringBuilder lines = new StringBuilder();

    @Override
    public MediaType contentType() {
        return MediaType.APPLICATION_PROBLEM_JSON; // not the same as OpenAI's
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
