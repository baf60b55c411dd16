package dev.localllm.api.openai.completion;

import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.openai.OpenAiJson.Usage;
import dev.localllm.api.openai.completion.TextLogprobs.Logprobs;
import dev.localllm.api.stream.BodyEncoder;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.JsonText;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;

/**
 * Encodes one non-streaming completion; the escaped text is copied. Thinking is left out. One encoder per response; not
 * thread-safe.
 */
final class TextCompletionEncoder implements BodyEncoder {

    record Completion(String id, String object, long created, JsonText model, List<TextChoice> choices, Usage usage) {}

    private static final byte[] COMMA = {','};

    private final CompletionMetadata metadata;
    private final Queued queued;

    /** Null if the client wants none. */
    private final @Nullable TextLogprobs logprobs;

    private final SegmentedBytes text = new SegmentedBytes();

    /** The items of each list of {@link Logprobs}, in order; empty without log probabilities. */
    private final Map<String, SegmentedBytes> lists = new LinkedHashMap<>();

    private @Nullable Finished end;

    /** @param logprobs null if the client wants none */
    TextCompletionEncoder(CompletionMetadata metadata, Queued queued, @Nullable TextLogprobs logprobs) {
        this.metadata = metadata;
        this.queued = queued;
        this.logprobs = logprobs;
    }

    @Override
    public MediaType contentType() {
        return MediaType.APPLICATION_JSON;
    }

    @Override
    public long add(List<ChatEvent> events) {
        for (ChatEvent event : events) {
            switch (event) {
                case TextDelta delta -> add(delta.text());
                case LogprobsDelta delta -> add(delta);
                case Finished finished -> end = finished;
                case ThinkingDelta delta -> {}
                case ToolCallDelta delta -> {} // a completion has no tools
            }
        }
        return text.length()
                + lists.values().stream().mapToLong(SegmentedBytes::length).sum();
    }

    private void add(JsonText delta) {
        delta.writeTo(text::write);
        if (logprobs != null) {
            logprobs.onText(delta);
        }
    }

    private void add(LogprobsDelta delta) {
        if (logprobs != null) {
            Logprobs next = logprobs.of(delta.tokens());
            append(next.tokens(), "tokens");
            append(next.tokenLogprobs(), "token_logprobs");
            append(next.topLogprobs(), "top_logprobs");
            append(next.textOffset(), "text_offset");
        }
    }

    /** @param items one or more */
    private void append(List<?> items, String list) {
        SegmentedBytes appended = lists.computeIfAbsent(list, name -> new SegmentedBytes());
        if (appended.length() > 0) {
            appended.write(COMMA, 0, COMMA.length);
        }
        byte[] json = OpenAiJson.bytes(items);
        appended.write(json, 1, json.length - 2); // without brackets
    }

    /** Throws an IllegalStateException without {@link Finished}, which the port guarantees. */
    @Override
    public List<ByteBuffer> encode() {
        Finished finished = end;
        if (finished == null) {
            throw new IllegalStateException("the response completed without Finished");
        }
        Completion completion = new Completion(
                metadata.id(),
                TextChoice.OBJECT,
                metadata.created(),
                JsonText.of(metadata.model().value()),
                List.of(new TextChoice(
                        JsonText.of(""),
                        lists.isEmpty() ? null : new Logprobs(List.of(), List.of(), List.of(), List.of()),
                        OpenAiJson.of(finished.reason()))),
                Usage.of(finished, queued.receipt()));
        List<String> fields = new ArrayList<>(lists.keySet());
        List<SegmentedBytes> values = new ArrayList<>(lists.values());
        fields.addFirst("text");
        values.addFirst(text);
        return OpenAiJson.filled(
                completion, fields, values.stream().map(SegmentedBytes::buffers).toList());
    }
}
