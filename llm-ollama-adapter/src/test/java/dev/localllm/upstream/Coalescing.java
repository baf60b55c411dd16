package dev.localllm.upstream;

import io.netty.channel.ChannelHandler;

/** The {@link ReadCoalescer}, for tests of decoders. */
public final class Coalescing {

    private Coalescing() {}

    public static ChannelHandler handler() {
        return new ReadCoalescer();
    }
}
