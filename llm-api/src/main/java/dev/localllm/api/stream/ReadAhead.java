package dev.localllm.api.stream;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.memory.ByteBudget;
import io.netty.channel.Channel;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.server.reactive.ServerHttpRequest;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * Reads streams ahead of clients that read slowly, so that the model server need not wait for them: into a bounded
 * buffer per stream, and within a budget of all streams. Applies backpressure when either is full. Thread-safe.
 */
public final class ReadAhead {

    private final long maxBytes;
    private final ByteBudget budget;

    /**
     * @param maxBytes buffered for one stream; exceeded by at most {@link BufferedFrames#WINDOW} frames
     * @param budget for what is buffered for all streams; a stream whose buffer is empty may always go on
     */
    public ReadAhead(long maxBytes, ByteBudget budget) {
        this.maxBytes = maxBytes;
        this.budget = budget;
    }

    /**
     * The same frames in the same order, for the connection of the request. Frames that came before a failure are
     * delivered before it. Cancelling cancels the source and releases what is buffered.
     */
    public Flux<DataBuffer> of(Flux<DataBuffer> frames, ServerHttpRequest request) {
        return of(frames, ClientChannel.of(request));
    }

    Flux<DataBuffer> of(Flux<DataBuffer> frames, Channel channel) {
        return frames.transform(Operators.<DataBuffer, DataBuffer>lift(
                (source, client) -> new BufferedFrames(client, channel, maxBytes, budget)));
    }
}
