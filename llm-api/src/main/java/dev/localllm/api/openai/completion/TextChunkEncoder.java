package dev.localllm.api.openai.completion;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.ChunkFrames;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.openai.Heartbeat;
import dev.localllm.api.openai.JsonTemplate;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.openai.completion.TextLogprobs.Logprobs;
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
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;

/**
 * Encodes one streamed completion as Server-Sent Events, one buffer per list of events. The constant parts are encoded
 * once; the escaped text is copied. Thinking is left out: this route has no place for it.
 *
 * <pre>{@code
 * data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"Hi","index":0,
 *   "logprobs":null,"finish_reason":null}]}
 * }</pre>
 *
 * One encoder per answer; not thread-safe. The caller releases each buffer.
 */
final class TextChunkEncoder implements StreamEncoder {

    private static final JsonText NOTHING = JsonText.of("");
    private static final JsonTemplate TEXT = JsonTemplate.of(new TextChoice(NOTHING, null, null), "text");
    private static final Map<FinishReason, byte[]> ENDS = ends();
    private static final int TYPICAL_TEXT_BYTES = 16;

    private final DataBufferFactory buffers;
    private final ModelId model;
    private final Queued queued;
    private final ChunkFrames frames;
    private final JsonTemplate text;

    /** Null if the client wants none. */
    private final @Nullable TextLogprobs logprobs;

    /** Of the next text; null for none. */
    private @Nullable Logprobs next;

    /** @param logprobs null if the client wants none */
    TextChunkEncoder(
            CompletionMetadata metadata,
            Queued queued,
            @Nullable TextLogprobs logprobs,
            boolean includeUsage,
            DataBufferFactory buffers) {
        this.buffers = buffers;
        this.model = metadata.model();
        this.queued = queued;
        this.logprobs = logprobs;
        this.frames = new ChunkFrames(metadata, TextChoice.OBJECT, includeUsage);
        this.text = frames.chunk().around(TEXT);
    }

    @Override
    public MediaType contentType() {
        return MediaType.TEXT_EVENT_STREAM;
    }

    /** A comment if the events have neither text nor the end, so that the client sees that the model works. */
    @Override
    public DataBuffer encode(List<ChatEvent> events) {
        DataBuffer buffer = buffers.allocateBuffer(events.size() * (text.length() + TYPICAL_TEXT_BYTES));
        try {
            for (ChatEvent event : events) {
                encode(event, buffer);
            }
            if (buffer.readableByteCount() == 0) {
                buffer.write(Heartbeat.comment(null, model));
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
            case LogprobsDelta delta -> next = logprobs == null ? null : logprobs.of(delta.tokens());
            case Finished end -> {
                frames.chunk().write(Objects.requireNonNull(ENDS.get(end.reason())), buffer::write);
                frames.end(end, queued, buffer::write);
            }
            case ThinkingDelta delta -> {}
            case ToolCallDelta delta -> {} // a completion has no tools
        }
    }

    private void encode(JsonText delta, DataBuffer buffer) {
        if (next == null) {
            text.write(delta, buffer::write);
        } else {
            frames.chunk().write(OpenAiJson.bytes(new TextChoice(delta, next, null)), buffer::write);
            next = null;
        }
        if (logprobs != null) {
            logprobs.onText(delta);
        }
    }

    private static Map<FinishReason, byte[]> ends() {
        Map<FinishReason, byte[]> ends = new EnumMap<>(FinishReason.class);
        for (FinishReason reason : FinishReason.values()) {
            ends.put(reason, OpenAiJson.bytes(new TextChoice(NOTHING, null, OpenAiJson.of(reason))));
        }
        return ends;
    }
}
