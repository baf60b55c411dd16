package dev.localllm.api.stream;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.admission.Place;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.MediaType;

/** A test wire: one line of JSON per event, and heartbeats only if the test sets a line for them. */
record NdjsonEncoder(DataBufferFactory buffers, @Nullable String heartbeatLine) implements StreamEncoder {

    @Override
    public MediaType contentType() {
        return MediaType.APPLICATION_NDJSON;
    }

    @Override
    public DataBuffer encode(List<ChatEvent> events) {
        if (events.isEmpty()) {
            throw new IllegalArgumentException("no events");
        }
        return frame(events.stream().map(NdjsonEncoder::line).collect(Collectors.joining()));
    }

    @Override
    public @Nullable DataBuffer heartbeat(@Nullable Place place) {
        return heartbeatLine == null
                ? null
                : frame(place == null ? heartbeatLine : "{\"position\":" + place.position() + "}\n");
    }

    @Override
    public DataBuffer failure(FailureResponse failure) {
        return frame("{\"error\":\"" + failure.code() + "\"}\n");
    }

    static String line(ChatEvent event) {
        return switch (event) {
            case TextDelta delta -> "{\"text\":" + delta.text().quoted() + "}\n";
            case ThinkingDelta delta -> "{\"thinking\":" + delta.text().quoted() + "}\n";
            case LogprobsDelta delta -> "{\"logprobs\":" + delta.tokens().size() + "}\n";
            case ToolCallDelta call -> "{\"call\":" + call.index() + "}\n";
            case Finished end -> "{\"done\":true}\n";
        };
    }

    private DataBuffer frame(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return buffers.allocateBuffer(bytes.length).write(bytes);
    }
}
