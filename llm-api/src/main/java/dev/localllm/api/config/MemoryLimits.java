package dev.localllm.api.config;

import org.springframework.util.unit.DataSize;

/**
 * Memory limits of all requests together.
 *
 * @param bodies request bodies, each from its first byte to the end of its response
 * @param bodiesPerClient the bodies of one client
 * @param responses non-streaming responses that are being collected
 * @param streamBuffer frames of one stream that wait for a slow client
 * @param streams such frames of all streams
 */
public record MemoryLimits(
        DataSize bodies, DataSize bodiesPerClient, DataSize responses, DataSize streamBuffer, DataSize streams) {

    /** A request holds its body up to four times in the heap: as text, and as the body for the model server. */
    private static final int HEAP_PER_BODIES = 8;

    private static final int HEAP_PER_DEFAULT = 16;
    private static final int CLIENTS = 2;
    private static final DataSize STREAM_BUFFER = DataSize.ofKilobytes(512);

    /**
     * Reads BODY_BUDGET, RESPONSE_BUDGET, STREAM_BUFFER and STREAM_BUDGET.
     *
     * @param heapBytes maximum size of the heap
     * @throws InvalidSettingException also if the largest body exceeds its budget, or a budget its part of the heap
     */
    static MemoryLimits from(Variables variables, DataSize maxBodySize, long heapBytes) {
        DataSize max = part(heapBytes, HEAP_PER_BODIES);
        DataSize bodies = variables.size("BODY_BUDGET", max, max);
        DataSize perClient = part(bodies.toBytes(), CLIENTS);
        if (maxBodySize.compareTo(perClient) > 0) {
            throw new InvalidSettingException(
                    "MAX_BODY_SIZE",
                    maxBodySize.toString(),
                    "at most half of BODY_BUDGET, which is " + bodies.toKilobytes() + "KB");
        }
        DataSize streams = variables.size("STREAM_BUDGET", part(heapBytes, HEAP_PER_DEFAULT), max);
        return new MemoryLimits(
                bodies,
                perClient,
                variables.size("RESPONSE_BUDGET", part(heapBytes, HEAP_PER_DEFAULT), max),
                variables.size(
                        "STREAM_BUFFER", STREAM_BUFFER.compareTo(streams) < 0 ? STREAM_BUFFER : streams, streams),
                streams);
    }

    /** For the log: {@code bodies 32MB (16MB per client), responses 16MB, streams 16MB (512KB each)}. */
    @Override
    public String toString() {
        return "bodies " + Variables.text(bodies) + " (" + Variables.text(bodiesPerClient) + " per client), responses "
                + Variables.text(responses) + ", streams " + Variables.text(streams) + " ("
                + Variables.text(streamBuffer) + " each)";
    }

    private static DataSize part(long bytes, int parts) {
        return DataSize.ofBytes(bytes / parts);
    }
}
