package dev.localllm.api.stream;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.admission.Place;
import dev.localllm.core.chat.ChatEvent;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.MediaType;

/**
 * Encodes the events of one answer in the format of a wire. All calls except {@link #contentType} come from the event
 * loop of the client's connection. The caller releases returned buffers; a call that throws releases what it allocated.
 */
public interface StreamEncoder {

    /** Media type of the stream. */
    MediaType contentType();

    /** Encodes the events into one buffer, which is not empty. */
    DataBuffer encode(List<ChatEvent> events);

    /**
     * A frame that clients ignore, sent while the stream is silent; null if the format has none.
     *
     * @param place what the request waits for; null if it waits for the model server's answer only
     */
    @Nullable
    DataBuffer heartbeat(@Nullable Place place);

    /** The frame that ends a started stream with a failure. Nothing follows it. */
    DataBuffer failure(FailureResponse failure);
}
