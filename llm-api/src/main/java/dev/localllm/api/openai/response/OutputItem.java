package dev.localllm.api.openai.response;

import dev.localllm.core.chat.JsonText;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;

/** One item of a response's output. Its text is collected while it arrives. Not thread-safe. */
abstract sealed class OutputItem permits ReasoningItem, MessageItem, CallItem {

    /** How far an item is. */
    enum Status {
        IN_PROGRESS,
        COMPLETED,
        /** The answer was cut. */
        INCOMPLETE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The fields of the events that begin and end an item. */
    record ItemEvent(int outputIndex, Object item) {}

    static final JsonText EMPTY = JsonText.of("");

    private final String id;
    private final int index;
    private Status status = Status.IN_PROGRESS;

    OutputItem(String id, int index) {
        this.id = id;
        this.index = index;
    }

    final String id() {
        return id;
    }

    /** Within the output, from 0. */
    final int index() {
        return index;
    }

    final String status() {
        return status.toString();
    }

    /** Sets the last status. */
    final void end(Status last) {
        status = last;
    }

    /** Writes the events that begin the item. */
    abstract void writeBegin(EventWriter events);

    /** Writes the events that end the item, after {@link #end}. */
    abstract void writeEnd(EventWriter events);

    /** Bytes collected so far. */
    abstract long length();

    /** The item as it is now, without what was collected. */
    abstract Object item();

    /** The JSON of an object that has the item, or a part of it, with what was collected. */
    abstract List<ByteBuffer> filled(Object value);

    final void writeAdded(EventWriter events, Object item) {
        events.write(EventType.ITEM_ADDED, new ItemEvent(index, item));
    }

    final void writeDone(EventWriter events) {
        events.write(EventType.ITEM_DONE, filled(new ItemEvent(index, item())));
    }
}
