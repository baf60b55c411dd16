package dev.localllm.api.openai.response;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
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
 * Allocated bytes per token, from the read to the written buffer, as {@code TokenPathAllocationTest} measures chat's.
 * Measured on JDK 25 with the coverage agent: 191 to 205 bytes if many tokens arrive in one read, 477 to 534 if each
 * arrives in its own read. The text that the last events repeat is part of it.
 */
@Tag("allocation")
class EventAllocationTest {

    private static final int BURST_BUDGET_BYTES = 230;
    private static final int SINGLE_BUDGET_BYTES = 570;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final byte[] TEXT = line("\"content\":\" 안녕\"");
    private static final byte[] THINKING = line("\"content\":\"\",\"thinking\":\" 안녕\"");

    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT);

    @Test
    void staysWithinItsBudgetForBursts() {
        assertThat(bytesPerToken(TEXT, 64)).isLessThanOrEqualTo(BURST_BUDGET_BYTES);
        assertThat(bytesPerToken(THINKING, 64)).isLessThanOrEqualTo(BURST_BUDGET_BYTES);
    }

    @Test
    void staysWithinItsBudgetForSingleTokens() {
        assertThat(bytesPerToken(TEXT, 1)).isLessThanOrEqualTo(SINGLE_BUDGET_BYTES);
        assertThat(bytesPerToken(THINKING, 1)).isLessThanOrEqualTo(SINGLE_BUDGET_BYTES);
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
        EventEncoder encoder =
                new EventEncoder(TestAnswers.states("{\"input\":\"Hi\"}", () -> null), new ModelId("tiny"), buffers);
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
