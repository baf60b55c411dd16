package dev.localllm.ollama;

import java.util.concurrent.ThreadLocalRandom;

/** Ids of tool calls. Thread-safe. */
final class CallIds {

    private CallIds() {}

    /** A new id of 64 random bits, such as {@code call_1y2p0ij32e8e7}. */
    static String next() {
        return "call_" + Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), Character.MAX_RADIX);
    }
}
