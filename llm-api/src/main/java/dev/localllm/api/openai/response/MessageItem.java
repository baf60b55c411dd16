package dev.localllm.api.openai.response;

import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.api.openai.JsonTemplate;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.openai.OpenAiJson.Logprob;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.TokenLogprob;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Text of an answer.
 *
 * <pre>{@code
 * {"id":"msg_1_0","type":"message","status":"completed","role":"assistant",
 *   "content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}]}
 * }</pre>
 */
final class MessageItem extends OutputItem {

    record Item(String id, String type, String status, String role, List<Part> content) {}

    /** Annotations are always empty. */
    record Part(String type, JsonText text, List<Object> annotations, List<Object> logprobs) {}

    record PartEvent(String itemId, int outputIndex, int contentIndex, Part part) {}

    record DeltaEvent(String itemId, int outputIndex, int contentIndex, JsonText delta, List<Logprob> logprobs) {}

    record DoneEvent(String itemId, int outputIndex, int contentIndex, JsonText text, List<Object> logprobs) {}

    private static final Part PART = new Part("output_text", EMPTY, List.of(), List.of());
    private static final List<String> COLLECTED = List.of("text", "logprobs");
    private static final byte[] COMMA = {','};

    private final SegmentedBytes text = new SegmentedBytes();
    private final SegmentedBytes logprobs = new SegmentedBytes();
    private final JsonText.Sink collector = text::write;
    private @Nullable JsonTemplate delta;

    MessageItem(String id, int index) {
        super(id, index);
    }

    /** @param tokens their log probabilities; empty for none */
    void add(JsonText more, List<TokenLogprob> tokens) {
        more.writeTo(collector);
        for (TokenLogprob token : tokens) {
            if (logprobs.length() > 0) {
                logprobs.write(COMMA, 0, COMMA.length);
            }
            byte[] json = OpenAiJson.bytes(Logprob.of(token));
            logprobs.write(json, 0, json.length);
        }
    }

    void writeDelta(JsonText more, List<TokenLogprob> tokens, EventWriter events) {
        if (tokens.isEmpty()) {
            events.write(EventType.TEXT_DELTA, delta(), more);
        } else {
            events.write(
                    EventType.TEXT_DELTA,
                    new DeltaEvent(
                            id(),
                            index(),
                            0,
                            more,
                            tokens.stream().map(Logprob::of).toList()));
        }
    }

    private JsonTemplate delta() {
        JsonTemplate known = delta;
        if (known == null) {
            known = EventWriter.template(new DeltaEvent(id(), index(), 0, EMPTY, List.of()), "delta");
            delta = known;
        }
        return known;
    }

    @Override
    void writeBegin(EventWriter events) {
        writeAdded(events, item(List.of()));
        events.write(EventType.PART_ADDED, new PartEvent(id(), index(), 0, PART));
    }

    @Override
    void writeEnd(EventWriter events) {
        events.write(EventType.TEXT_DONE, filled(new DoneEvent(id(), index(), 0, EMPTY, List.of())));
        events.write(EventType.PART_DONE, filled(new PartEvent(id(), index(), 0, PART)));
        writeDone(events);
    }

    @Override
    long length() {
        return text.length() + logprobs.length();
    }

    @Override
    Object item() {
        return item(List.of(PART));
    }

    private Item item(List<Part> content) {
        return new Item(id(), "message", status(), "assistant", content);
    }

    @Override
    List<ByteBuffer> filled(Object value) {
        return OpenAiJson.filled(value, COLLECTED, List.of(text.buffers(), logprobs.buffers()));
    }
}
