package dev.localllm.ollama;

import dev.localllm.core.chat.ChatEvent;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.function.Function;

/** The decoder of one answer, for tests of the complete token path. */
public final class Decoding {

    private Decoding() {}

    public static Function<ByteBuf, List<ChatEvent>> decoder() {
        return new LineDecoder(LineFormat.CHAT, true)::decode;
    }

    /** As {@link #decoder}, of a completion. */
    public static Function<ByteBuf, List<ChatEvent>> completionDecoder() {
        return new LineDecoder(LineFormat.GENERATE, true)::decode;
    }
}
