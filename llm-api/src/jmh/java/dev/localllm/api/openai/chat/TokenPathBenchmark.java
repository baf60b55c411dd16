package dev.localllm.api.openai.chat;

import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.FakeQueued;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.ollama.Decoding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBufferFactory;

/** From a read of Ollama's lines to the buffer that is written to the client, per token. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TokenPathBenchmark {

    private static final int BURST = 64;

    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT);
    private final Function<ByteBuf, List<ChatEvent>> decoder = Decoding.decoder();
    private final ChunkEncoder encoder =
            new ChunkEncoder(new CompletionMetadata("chatcmpl-1", 1, new ModelId("tiny")), new FakeQueued(), () -> null, false, buffers);

    @Param({"text", "thinking"})
    private String kind = "";

    private ByteBuf single = Unpooled.EMPTY_BUFFER;
    private ByteBuf burst = Unpooled.EMPTY_BUFFER;

    @Setup
    public void lines() {
        String message = kind.equals("text") ? "\"content\":\" 안녕\"" : "\"content\":\"\",\"thinking\":\" 안녕\"";
        String line = "{\"model\":\"tiny:latest\",\"created_at\":\"2026-11-23T08:41:32.071302031Z\","
                + "\"message\":{\"role\":\"assistant\"," + message + "},\"done\":false}\n";
        single = Unpooled.copiedBuffer(line, StandardCharsets.UTF_8);
        burst = Unpooled.copiedBuffer(line.repeat(BURST), StandardCharsets.UTF_8);
    }

    @Benchmark
    public boolean oneTokenInARead() {
        return relay(single);
    }

    @Benchmark
    @OperationsPerInvocation(BURST)
    public boolean manyTokensInARead() {
        return relay(burst);
    }

    private boolean relay(ByteBuf read) {
        return DataBufferUtils.release(encoder.encode(decoder.apply(read.readerIndex(0))));
    }
}
