package dev.localllm.api.openai.completion;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.localllm.api.FakeQueued;
import dev.localllm.api.openai.CompletionMetadata;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBufferFactory;

/**
 * Allocated bytes per token of a completion, from the read to the written buffer, with the budgets of a chat, which
 * TokenPathAllocationTest explains.
 */
@Tag("allocation")
class CompletionPathAllocationTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final byte[] TEXT =
            "{\"model\":\"tiny:latest\",\"created_at\":\"2026-11-23T08:41:33.395123794Z\",\"response\":\" 안녕\",\"done\":false}\n"
                    .getBytes(StandardCharsets.UTF_8);

    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT);

    @ParameterizedTest
    @CsvSource({"64, 230", "1, 570"})
    void staysWithinTheBudgetOfAChat(int tokensPerRead, long budget) {
        long least = Long.MAX_VALUE; // of several rounds, to exclude allocations of the JIT compiler
        for (int round = 0; round < 20; round++) {
            least = Math.min(least, bytesPerToken(tokensPerRead, 20_000 / tokensPerRead));
        }
        System.out.println("allocated bytes per token, " + tokensPerRead + " a read: " + least);
        assertThat(least).isLessThanOrEqualTo(budget);
    }

    private long bytesPerToken(int tokensPerRead, int reads) {
        ByteBuf read = Unpooled.buffer(TEXT.length * tokensPerRead);
        for (int i = 0; i < tokensPerRead; i++) {
            read.writeBytes(TEXT);
        }
        Function<ByteBuf, List<ChatEvent>> decoder = Decoding.completionDecoder();
        TextChunkEncoder encoder = new TextChunkEncoder(
                new CompletionMetadata("cmpl-1", 1, new ModelId("tiny")), new FakeQueued(), null, false, buffers);
        long thread = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        for (int i = 0; i < reads; i++) {
            read.readerIndex(0);
            DataBufferUtils.release(encoder.encode(decoder.apply(read)));
        }
        return (THREADS.getThreadAllocatedBytes(thread) - before) / ((long) reads * tokensPerRead);
    }
}
