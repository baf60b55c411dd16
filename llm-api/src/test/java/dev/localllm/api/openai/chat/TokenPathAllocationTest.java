package dev.localllm.api.openai.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.localllm.api.FakeQueued;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.ollama.Decoding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBufferFactory;

/**
 * Allocated bytes per token, from the read to the written buffer. Measured on JDK 25: 182 bytes if many tokens arrive
 * in one read (131 of them for the line), 448 if each token arrives in its own read; 198 and 502 with the coverage
 * agent ({@code -Djacoco.skip} disables it). A token of thinking is written twice: 213 and 516 bytes with the agent. A
 * stream's encoder with its first and last frames allocates 4090 to 4230 bytes with the agent.
 */
@Tag("allocation")
class TokenPathAllocationTest {

    private static final int BURST_BUDGET_BYTES = 230;
    private static final int SINGLE_BUDGET_BYTES = 570;
    private static final int STREAM_BUDGET_BYTES = 4300;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final byte[] TEXT = line("\"content\":\" 안녕\"");
    private static final byte[] THINKING = line("\"content\":\"\",\"thinking\":\" 안녕\"");

    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT);

    @Test
    void staysWithinItsBudgetForBursts() {
        assertThat(bytesPerToken(TEXT, 64)).isLessThanOrEqualTo(BURST_BUDGET_BYTES);
    }

    @Test
    void staysWithinItsBudgetForSingleTokens() {
        assertThat(bytesPerToken(TEXT, 1)).isLessThanOrEqualTo(SINGLE_BUDGET_BYTES);
    }

    @Test
    void staysWithinItsBudgetForThinking() {
        assertThat(bytesPerToken(THINKING, 64)).isLessThanOrEqualTo(BURST_BUDGET_BYTES);
        assertThat(bytesPerToken(THINKING, 1)).isLessThanOrEqualTo(SINGLE_BUDGET_BYTES);
    }

    @Test
    void staysWithinItsBudgetForAnEmptyStream() {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            least = Math.min(least, bytesPerStream(1000));
        }
        System.out.println("allocated bytes per encoder: " + least);
        assertThat(least).isLessThanOrEqualTo(STREAM_BUDGET_BYTES);
    }

    private long bytesPerStream(int streams) {
        List<ChatEvent> end = List.of(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO));
        long thread = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        for (int i = 0; i < streams; i++) {
            CompletionMetadata metadata = new CompletionMetadata("chatcmpl-1", 1, new ModelId("tiny"));
            DataBufferUtils.release(
                    new ChunkEncoder(metadata, new FakeQueued(), () -> null, true, buffers).encode(end));
        }
        return (THREADS.getThreadAllocatedBytes(thread) - before) / streams;
    }

    /** The minimum of several rounds, to exclude allocations of the JIT compiler. */
    private long bytesPerToken(byte[] line, int tokensPerRead) {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            least = Math.min(least, bytesPerToken(line, tokensPerRead, 20_000 / tokensPerRead));
        }
        System.out.println("allocated bytes per token, " + tokensPerRead + " a read: " + least);
        return least;
    }

    private long bytesPerToken(byte[] line, int tokensPerRead, int reads) {
        ByteBuf read = Unpooled.buffer(line.length * tokensPerRead);
        for (int i = 0; i < tokensPerRead; i++) {
            read.writeBytes(line);
        }
        Function<ByteBuf, List<ChatEvent>> decoder = Decoding.decoder();
        ChunkEncoder encoder = new ChunkEncoder(
                new CompletionMetadata("chatcmpl-1", 1, new ModelId("tiny")),
                new FakeQueued(),
                () -> null,
                false,
                buffers);
        long thread = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        for (int i = 0; i < reads; i++) {
            read.readerIndex(0);
            DataBufferUtils.release(encoder.encode(decoder.apply(read)));
        }
        return (THREADS.getThreadAllocatedBytes(thread) - before) / ((long) reads * tokensPerRead);
    }

    private static byte[] line(String message) {
        return "{\"model\":\"tiny:latest\",\"created_at\":\"2026-11-23T08:41:32.071302031Z\",\"message\":{\"role\":\"assistant\",%s},\"done\":false}\n"
                .formatted(message)
                .getBytes(StandardCharsets.UTF_8);
    }
}
