package dev.localllm.api.openai.chat;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.ChunkFrames;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.openai.Heartbeat;
import dev.localllm.api.openai.JsonTemplate;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.openai.OpenAiJson.Logprobs;
import dev.localllm.api.openai.OpenAiJson.ToolCall;
import dev.localllm.api.stream.StreamEncoder;
import dev.localllm.core.admission.Place;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;

/**
 * Encodes one streamed answer as Server-Sent Events, one buffer per list of events. The constant parts are encoded
 * once; the escaped text is copied.
 *
 * <pre>{@code
 * data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,
 *   "delta":{"content":"Hi"},"finish_reason":null}]}
 * }</pre>
 *
 * One encoder per answer; not thread-safe. The caller releases each buffer.
 */
final class ChunkEncoder implements StreamEncoder {

    record Choice(
            int index,
            Delta delta,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Logprobs logprobs,

            @Nullable String finishReason,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            JsonText schemaMismatch) {
        Choice(Delta delta, @Nullable String finishReason) {
            this(0, delta, null, finishReason, null);
        }
    }

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Delta(
            @Nullable String role,
            @Nullable JsonText content,
            @Nullable JsonText reasoningContent,
            @Nullable JsonText reasoning,
            @Nullable List<ToolCall> toolCalls) {

        static final Delta EMPTY = new Delta(null, null, null, null, null);

        static Delta content(JsonText text) {
            return new Delta(null, text, null, null, null);
        }

        static Delta thinking(JsonText text) {
            return new Delta(null, null, text, text, null);
        }
    }

    private static final JsonText NOTHING = JsonText.of("");
    private static final byte[] START =
            OpenAiJson.bytes(new Choice(new Delta("assistant", NOTHING, null, null, null), null));
    private static final JsonTemplate TEXT = JsonTemplate.of(new Choice(Delta.content(NOTHING), null), "content");
    private static final JsonTemplate THINKING =
            JsonTemplate.of(new Choice(Delta.thinking(NOTHING), null), "reasoning_content", "reasoning");
    private static final Map<FinishReason, byte[]> ENDS = ends();
    private static final int TYPICAL_TEXT_BYTES = 16;

    private final DataBufferFactory buffers;
    private final ModelId model;
    private final Queued queued;
    private final Supplier<@Nullable String> schemaMismatch;
    private final ChunkFrames frames;
    private final JsonTemplate chunk;
    private final JsonTemplate text;
    private @Nullable JsonTemplate thinking;

    /** Of the next text; null for none. */
    private @Nullable Logprobs logprobs;

    private boolean started;

    /** @param schemaMismatch null if the answer matches its schema; asked for at the end of the answer */
    ChunkEncoder(
            CompletionMetadata metadata,
            Queued queued,
            Supplier<@Nullable String> schemaMismatch,
            boolean includeUsage,
            DataBufferFactory buffers) {
        this.schemaMismatch = schemaMismatch;
        this.buffers = buffers;
        this.model = metadata.model();
        this.queued = queued;
        this.frames = new ChunkFrames(metadata, "chat.completion.chunk", includeUsage);
        this.chunk = frames.chunk();
        this.text = chunk.around(TEXT);
    }

    @Override
    public MediaType contentType() {
        return MediaType.TEXT_EVENT_STREAM;
    }

    @Override
    public DataBuffer encode(List<ChatEvent> events) {
        int perEvent = thinking == null
                ? text.length() + TYPICAL_TEXT_BYTES
                : thinking.length() + 2 * TYPICAL_TEXT_BYTES; // thinking is written twice
        DataBuffer buffer = buffers.allocateBuffer((events.size() + (started ? 0 : 1)) * perEvent);
        try {
            if (!started) {
                started = true;
                chunk.write(START, buffer::write);
            }
            for (ChatEvent event : events) {
                encode(event, buffer);
            }
            return buffer;
        } catch (RuntimeException | Error e) {
            DataBufferUtils.release(buffer);
            throw e;
        }
    }

    @Override
    public DataBuffer heartbeat(@Nullable Place place) {
        return buffers.wrap(Heartbeat.comment(place, model));
    }

    @Override
    public DataBuffer failure(FailureResponse failure) {
        return ChunkFrames.failure(failure, buffers);
    }

    private void encode(ChatEvent event, DataBuffer buffer) {
        switch (event) {
            case TextDelta delta -> encode(delta.text(), buffer);
            case ThinkingDelta delta -> thinking().write(delta.text(), buffer::write);
            case LogprobsDelta delta -> logprobs = Logprobs.of(delta.tokens());
            case ToolCallDelta call -> write(new Choice(toolCall(call), null), buffer);
            case Finished end -> finish(end, buffer);
        }
    }

    private void encode(JsonText content, DataBuffer buffer) {
        if (logprobs == null) {
            text.write(content, buffer::write);
        } else {
            write(new Choice(0, Delta.content(content), logprobs, null, null), buffer);
            logprobs = null;
        }
    }

    private void write(Choice choice, DataBuffer buffer) {
        chunk.write(OpenAiJson.bytes(choice), buffer::write);
    }

    private void finish(Finished end, DataBuffer buffer) {
        String mismatch = schemaMismatch.get();
        if (mismatch == null) {
            chunk.write(Objects.requireNonNull(ENDS.get(end.reason())), buffer::write);
        } else {
            write(new Choice(0, Delta.EMPTY, null, OpenAiJson.of(end.reason()), JsonText.of(mismatch)), buffer);
        }
        frames.end(end, queued, buffer::write);
    }

    private static Map<FinishReason, byte[]> ends() {
        Map<FinishReason, byte[]> ends = new EnumMap<>(FinishReason.class);
        for (FinishReason reason : FinishReason.values()) {
            ends.put(reason, OpenAiJson.bytes(new Choice(Delta.EMPTY, OpenAiJson.of(reason))));
        }
        return ends;
    }

    private static Delta toolCall(ToolCallDelta call) {
        return new Delta(null, null, null, null, List.of(ToolCall.of(call.call(), call.index())));
    }

    private JsonTemplate thinking() {
        JsonTemplate known = thinking;
        if (known == null) {
            known = chunk.around(THINKING);
            thinking = known;
        }
        return known;
    }
}
