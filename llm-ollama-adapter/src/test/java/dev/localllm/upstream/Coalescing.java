package dev.localllm.upstream;

import io.netty.channel.ChannelHandler;

/** The handler that makes one buffer of one read, for tests of what decodes it. */
public final class Coalescing {

    private Coalescing() {}

    public static ChannelHandler handler() {
        return new ReadCoalescer();
    }
}
