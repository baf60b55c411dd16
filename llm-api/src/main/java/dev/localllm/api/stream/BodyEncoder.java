package dev.localllm.api.stream;

import dev.localllm.core.chat.ChatEvent;
import java.nio.ByteBuffer;
import java.util.List;
import org.springframework.http.MediaType;

/**
 * Collects the events of one answer and encodes them as one body in the format of a wire. Never called by two threads
 * at once.
 */
public interface BodyEncoder {

    /** Media type of the body. */
    MediaType contentType();

    /**
     * Adds events.
     *
     * @return bytes collected so far. The caller checks its limit after this call, so one list may exceed it
     */
    long add(List<ChatEvent> events);

    /** Encodes the body, in pieces. Called once, after the last event was added. */
    List<ByteBuffer> encode();
}
