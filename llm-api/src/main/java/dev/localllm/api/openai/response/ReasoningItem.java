package dev.localllm.api.openai.response;

import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.api.openai.JsonTemplate;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.core.chat.JsonText;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The model's thinking, in the form of a summary, which is what clients show.
 *
 * <pre>{@code
 * {"id":"rs_1_0","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"Hm"}]}
 * }</pre>
 */
final class ReasoningItem extends OutputItem {

    record Item(String id, String type, String status, List<Part> summary) {}

    record Part(String type, JsonText text) {}

    record PartEvent(String itemId, int outputIndex, int summaryIndex, Part part) {}

    record DeltaEvent(String itemId, int outputIndex, int summaryIndex, JsonText delta) {}

    record DoneEvent(String itemId, int outputIndex, int summaryIndex, JsonText text) {}

    private static final Part PART = new Part("summary_text", EMPTY);
    private static final List<String> COLLECTED = List.of("text");

    private final SegmentedBytes text = new SegmentedBytes();
    private final JsonText.Sink collector = text::write;
    private @Nullable JsonTemplate delta;

    ReasoningItem(String id, int index) {
        super(id, index);
    }

    void add(JsonText more) {
        more.writeTo(collector);
    }

    void writeDelta(JsonText more, EventWriter events) {
        JsonTemplate known = delta;
        if (known == null) {
            known = EventWriter.template(new DeltaEvent(id(), index(), 0, EMPTY), "delta");
            delta = known;
        }
        events.write(EventType.SUMMARY_DELTA, known, more);
    }

    @Override
    void writeBegin(EventWriter events) {
        writeAdded(events, item(List.of()));
        events.write(EventType.SUMMARY_PART_ADDED, new PartEvent(id(), index(), 0, PART));
    }

    @Override
    void writeEnd(EventWriter events) {
        events.write(EventType.SUMMARY_DONE, filled(new DoneEvent(id(), index(), 0, EMPTY)));
        events.write(EventType.SUMMARY_PART_DONE, filled(new PartEvent(id(), index(), 0, PART)));
        writeDone(events);
    }

    @Override
    long length() {
        return text.length();
    }

    @Override
    Object item() {
        return item(List.of(PART));
    }

    private Item item(List<Part> summary) {
        return new Item(id(), "reasoning", status(), summary);
    }

    @Override
    List<ByteBuffer> filled(Object value) {
        return OpenAiJson.filled(value, COLLECTED, List.of(text.buffers()));
    }
}
