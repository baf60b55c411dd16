package dev.localllm.api.config;

import static dev.localllm.api.setting.Defaults.everywhere;
import static dev.localllm.api.setting.Defaults.words;
import static dev.localllm.api.setting.Setting.setting;
import static dev.localllm.api.setting.ValueType.size;

import dev.localllm.api.setting.InvalidSettingException;
import dev.localllm.api.setting.ValueType;
import dev.localllm.api.setting.Variables;
import org.springframework.util.unit.DataSize;

/**
 * Memory limits of one request, and of all requests together.
 *
 * @param body one request body
 * @param bodies request bodies, each from its first byte to the end of its response
 * @param bodiesPerClient the bodies of one client
 * @param responses non-streaming responses that are being collected; as much again for embeddings
 * @param streams frames of all streams that wait for slow clients
 * @param streamBuffer such frames of one stream
 */
public record MemoryLimits(
        DataSize body,
        DataSize bodies,
        DataSize bodiesPerClient,
        DataSize responses,
        DataSize streams,
        DataSize streamBuffer) {

    /** A request holds its body up to four times in the heap: as text, and as the body for the model server. */
    private static final int HEAP_PER_BUDGET = 8;

    private static final int HEAP_PER_DEFAULT = 16;
    private static final int CLIENTS = 2;

    /** A photo of 6 MB in base64. */
    private static final DataSize BODY = DataSize.ofMegabytes(8);

    private static final DataSize STREAM_BUFFER = DataSize.ofKilobytes(512);

    /**
     * @param heapBytes maximum size of the heap
     * @throws InvalidSettingException also if the largest body exceeds its budget, or a budget exceeds its part of the
     *     heap
     */
    static MemoryLimits read(Variables variables, long heapBytes) {
        DataSize bodies = budget(
                variables,
                "BODY_BUDGET",
                heapBytes,
                HEAP_PER_BUDGET,
                "all request bodies in flight, {range}; one client may use half. When full, the slowest upload gets a 503");
        DataSize bodiesPerClient = part(bodies.toBytes(), CLIENTS);
        DataSize body = variables.get(
                setting(
                        "MAX_BODY_SIZE",
                        size(DataSize.ofMegabytes(100)),
                        everywhere(words(ValueType.toText(BODY) + ", or half of BODY_BUDGET if smaller")),
                        "one request body, {range} and at most half of `BODY_BUDGET`; then 413"),
                smaller(BODY, bodiesPerClient));
        if (body.compareTo(bodiesPerClient) > 0) {
            throw new InvalidSettingException(
                    "MAX_BODY_SIZE",
                    body.toString(),
                    "at most half of BODY_BUDGET, which is " + bodies.toKilobytes() + "KB");
        }
        DataSize responses = budget(
                variables,
                "RESPONSE_BUDGET",
                heapBytes,
                HEAP_PER_DEFAULT,
                "all non-streaming responses being collected, and as much again for embeddings, {range}; then 503");
        DataSize streams = budget(
                variables,
                "STREAM_BUDGET",
                heapBytes,
                HEAP_PER_DEFAULT,
                "data that all streams together buffer for slow clients, {range}; then the model server waits");
        DataSize streamBuffer = variables.get(
                setting(
                        "STREAM_BUFFER",
                        size(streams, "up to `STREAM_BUDGET`"),
                        everywhere(words(ValueType.toText(STREAM_BUFFER) + ", or STREAM_BUDGET if smaller")),
                        "data that one stream buffers for a slow client, {range}; then the model server waits"),
                smaller(STREAM_BUFFER, streams));
        return new MemoryLimits(body, bodies, bodiesPerClient, responses, streams, streamBuffer);
    }

    private static DataSize budget(
            Variables variables, String name, long heapBytes, int heapPerDefault, String meaning) {
        return variables.get(
                setting(
                        name,
                        size(part(heapBytes, HEAP_PER_BUDGET), "at most 1/" + HEAP_PER_BUDGET + " of the heap"),
                        everywhere(words("1/" + heapPerDefault + " of the heap")),
                        meaning),
                part(heapBytes, heapPerDefault));
    }

    /** For the log: {@code bodies 32MB (16MB per client), responses 16MB, streams 16MB (512KB each)}. */
    @Override
    public String toString() {
        return "bodies " + ValueType.toText(bodies) + " (" + ValueType.toText(bodiesPerClient)
                + " per client), responses " + ValueType.toText(responses) + ", streams " + ValueType.toText(streams)
                + " (" + ValueType.toText(streamBuffer) + " each)";
    }

    private static DataSize smaller(DataSize first, DataSize second) {
        return first.compareTo(second) < 0 ? first : second;
    }

    private static DataSize part(long bytes, int parts) {
        return DataSize.ofBytes(bytes / parts);
    }
}
