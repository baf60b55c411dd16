package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Thinking and completions are decoded without parsing, like the text of a chat. TokenPathAllocationTest has the budgets of the complete path. */
@Tag("allocation")
class DecoderAllocationTest {

    /** Arrays are padded to multiples of it. */
    private static final int PADDING = 8;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final byte[] TEXT = line("\"message\":{\"role\":\"assistant\",\"content\":\" 안녕\"}");
    private static final byte[] THINKING =
            line("\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\" 안녕\"}");
    private static final byte[] COMPLETION = line("\"response\":\" 안녕\"");
    private static final byte[] COMPLETION_THINKING = line("\"response\":\"\",\"thinking\":\" 안녕\"");

    @ParameterizedTest
    @ValueSource(ints = {1, 64})
    void allocatesForAllPlainLinesWhatItDoesForTextOfThatLength(int tokensPerRead) {
        long text = bytesPerToken(LineFormat.CHAT, TEXT, tokensPerRead) - TEXT.length + PADDING;

        assertThat(bytesPerToken(LineFormat.CHAT, THINKING, tokensPerRead)).isLessThanOrEqualTo(text + THINKING.length);
        assertThat(bytesPerToken(LineFormat.GENERATE, COMPLETION, tokensPerRead))
                .isLessThanOrEqualTo(text + COMPLETION.length);
        assertThat(bytesPerToken(LineFormat.GENERATE, COMPLETION_THINKING, tokensPerRead))
                .isLessThanOrEqualTo(text + COMPLETION_THINKING.length);
    }

    /** The minimum of several rounds, to exclude allocations of the JIT compiler. */
    private static long bytesPerToken(LineFormat format, byte[] line, int tokensPerRead) {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            least = Math.min(least, bytesPerToken(format, line, tokensPerRead, 10_000 / tokensPerRead));
        }
        return least;
    }

    private static long bytesPerToken(LineFormat format, byte[] line, int tokensPerRead, int reads) {
        ByteBuf read = Unpooled.buffer(line.length * tokensPerRead);
        for (int i = 0; i < tokensPerRead; i++) {
            read.writeBytes(line);
        }
        LineDecoder decoder = new LineDecoder(format, true);
        int events = 0;
        long thread = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        for (int i = 0; i < reads; i++) {
            read.readerIndex(0);
            events += decoder.decode(read).size();
        }
        long allocated = THREADS.getThreadAllocatedBytes(thread) - before;
        assertThat(events).isEqualTo(reads * tokensPerRead);
        return allocated / events;
    }

    private static byte[] line(String fields) {
        return "{\"model\":\"tiny:latest\",\"created_at\":\"2026-11-23T08:41:32.071302031Z\",%s,\"done\":false}\n"
                .formatted(fields)
                .getBytes(StandardCharsets.UTF_8);
    }
}
