package dev.localllm.api.openai.chat;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.openai.OpenAiJson.Logprob;
import dev.localllm.api.openai.OpenAiJson.Logprobs;
import dev.localllm.api.openai.OpenAiJson.ToolCall;
import dev.localllm.api.openai.OpenAiJson.Usage;
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
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;

/** Encodes one non-streaming response; the escaped text is copied. One encoder per response; not thread-safe. */
final class CompletionEncoder implements BodyEncoder {

    record Completion(String id, String object, long created, JsonText model, List<Choice> choices, Usage usage) {}

    record Choice(int index, Message message, @Nullable Logprobs logprobs, String finishReason) {}

    /**
     * @param content null if the answer has tool calls and no text
     * @param refusal always null
     */
    record Message(
            String role,
            @Nullable String content,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String reasoningContent,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String reasoning,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            List<ToolCall> toolCalls,

            @Nullable String refusal) {}

    private static final byte[] COMMA = {','};

    private final CompletionMetadata metadata;
    private final Queued queued;
    private final SegmentedBytes text = new SegmentedBytes();
    private final SegmentedBytes thinking = new SegmentedBytes();
    private final SegmentedBytes toolCalls = new SegmentedBytes();
    private final SegmentedBytes logprobs = new SegmentedBytes();
    private @Nullable Finished end;

    CompletionEncoder(CompletionMetadata metadata, Queued queued) {
        this.metadata = metadata;
        this.queued = queued;
    }

    @Override
    public MediaType contentType() {
        return MediaType.APPLICATION_JSON;
    }

    @Override
    public long add(List<ChatEvent> events) {
        for (ChatEvent event : events) {
            switch (event) {
                case TextDelta delta -> delta.text().writeTo(text::write);
                case ThinkingDelta delta -> delta.text().writeTo(thinking::write);
                case LogprobsDelta delta -> delta.tokens().forEach(token -> append(Logprob.of(token), logprobs));
                case ToolCallDelta delta -> append(ToolCall.of(delta.call(), null), toolCalls);
                case Finished finished -> end = finished;
            }
        }
        return text.length() + 2 * thinking.length() + toolCalls.length() + logprobs.length();
    }

    /** Throws an IllegalStateException without {@link Finished}, which the port guarantees. */
    @Override
    public List<ByteBuffer> encode() {
        Finished finished = end;
        if (finished == null) {
            throw new IllegalStateException("the response completed without Finished");
        }
        boolean hasCalls = toolCalls.length() > 0;
        boolean hasThinking = thinking.length() > 0;
        boolean hasLogprobs = logprobs.length() > 0;
        // Tool calls alone have no content, as with OpenAI.
        boolean hasContent = text.length() > 0 || !hasCalls || hasLogprobs;
        Completion completion = new Completion(
                metadata.id(),
                "chat.completion",
                metadata.created(),
                JsonText.of(metadata.model().value()),
                List.of(new Choice(
                        0,
                        new Message(
                                "assistant",
                                hasContent ? "" : null,
                                hasThinking ? "" : null,
                                hasThinking ? "" : null,
                                hasCalls ? List.of() : null,
                                null),
                        hasLogprobs ? new Logprobs(List.of(), null) : null,
                        OpenAiJson.of(finished.reason()))),
                Usage.of(finished, queued.receipt()));
        List<String> fields = new ArrayList<>();
        List<List<ByteBuffer>> values = new ArrayList<>();
        addIf(hasContent, "content", text, fields, values);
        addIf(hasThinking, "reasoning_content", thinking, fields, values);
        addIf(hasThinking, "reasoning", thinking, fields, values);
        addIf(hasCalls, "tool_calls", toolCalls, fields, values);
        addIf(hasLogprobs, "content", logprobs, fields, values);
        return OpenAiJson.filled(completion, fields, values);
    }

    private static void addIf(
            boolean there, String field, SegmentedBytes value, List<String> fields, List<List<ByteBuffer>> values) {
        if (there) {
            fields.add(field);
            values.add(value.buffers());
        }
    }

    /** Appends an item to the items of an array. */
    private static void append(Object item, SegmentedBytes items) {
        if (items.length() > 0) {
            items.write(COMMA, 0, COMMA.length);
        }
        byte[] json = OpenAiJson.bytes(item);
        items.write(json, 0, json.length);
    }
}
