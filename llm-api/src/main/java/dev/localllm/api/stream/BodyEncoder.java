package dev.localllm.api.stream;

import dev.localllm.core.chat.ChatEvent;
import java.nio.ByteBuffer;
import java.util.List;
import org.springframework.http.MediaType;

/**
 * Collects the events of one answer, to write them as one body in the format of a wire. Never called by two threads at a
 * time.
 */
public interface BodyEncoder {

    /** Of the body. */
    MediaType contentType();

    /**
     * Takes what arrived.
     *
     * @return how many bytes are collected by now. They are bounded afterwards: by one list the bound may be exceeded
     */
    long add(List<ChatEvent> events);

    /** The body in pieces. All events were added before. */
    List<ByteBuffer> encode();
}
