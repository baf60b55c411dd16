package dev.localllm.api.stream;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.chat.ChatEvent;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.MediaType;

/**
 * Writes the events of one answer in the format of a wire. All calls but {@link #contentType} come from the event loop of
 * the client's connection. Who takes a buffer releases it; a call that throws has released what it allocated.
 */
public interface StreamEncoder {

    /** Of the whole stream. */
    MediaType contentType();

    /** What these events add to the stream, in one buffer that is not empty. */
    DataBuffer encode(List<ChatEvent> events);

    /** A frame that clients skip, for a stream that is silent; null if the format knows none. */
    @Nullable
    DataBuffer heartbeat();

    /** The frame that ends a stream which had begun. Nothing follows it. */
    DataBuffer failure(FailureResponse failure);
}
