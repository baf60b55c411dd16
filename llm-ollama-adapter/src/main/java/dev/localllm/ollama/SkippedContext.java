package dev.localllm.ollama;

import io.netty.buffer.ByteBuf;
import io.netty.util.ByteProcessor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Leaves out the numbers of a {@code context} while its line is incomplete: the tokens of prompt and answer, possibly
 * a million. One per answer; not thread-safe.
 */
final class SkippedContext {

    /** Can't be inside a string: quotes are escaped there. */
    private static final byte[] START = ",\"context\":[".getBytes(StandardCharsets.US_ASCII);

    private static final ByteProcessor NUMBERS = SkippedContext::isNumbers;

    private boolean inside;

    /** Skips the numbers with which the read begins, if the line before it ends inside a context. */
    void skip(ByteBuf read) {
        if (inside) {
            int end = read.forEachByte(NUMBERS);
            read.readerIndex(end < 0 ? read.writerIndex() : end);
        }
    }

    /**
     * The end of what is worth keeping of an incomplete line.
     *
     * @param from index of its first byte; it ends at the end of the array
     */
    int end(byte[] bytes, int from) {
        int numbers = bytes.length;
        while (numbers > from && isNumbers(bytes[numbers - 1])) {
            numbers--;
        }
        int start = numbers - START.length;
        inside = start >= from && Arrays.equals(bytes, start, numbers, START, 0, START.length);
        return inside ? numbers : bytes.length;
    }

    private static boolean isNumbers(byte b) {
        return (b >= '0' && b <= '9') || b == ',';
    }
}
