package dev.localllm.api.openai.response;

import dev.localllm.api.openai.JsonTemplate;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.core.chat.JsonText;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Writes the events of one stream as Server-Sent Events, numbered from 0.
 *
 * <pre>{@code
 * event: response.output_text.delta
 * data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1_0","output_index":0,"content_index":0,
 *   "delta":"Hi","logprobs":[]}
 * }</pre>
 *
 * Not thread-safe.
 */
final class EventWriter {

    /** What comes before the number of an event. */
    private static final Map<EventType, byte[]> HEADS = heads();

    private static final byte COMMA = ',';
    private static final byte[] END = utf8("\n\n");
    private static final JsonTemplate FRAME = new JsonTemplate(new byte[0], END);
    private static final int MAX_DIGITS = 10;

    private final byte[] digits = new byte[MAX_DIGITS];
    private JsonText.Sink target = (source, offset, length) -> {};
    private int next;

    /** Sets where further events are written to. */
    void writeTo(JsonText.Sink sink) {
        target = sink;
    }

    /** @param fields an object with the event's own fields */
    void write(EventType type, Object fields) {
        write(type, List.of(ByteBuffer.wrap(OpenAiJson.bytes(fields))));
    }

    /** @param fields a JSON object with the event's own fields, in pieces of arrays, the first of which is changed */
    void write(EventType type, List<ByteBuffer> fields) {
        begin(type);
        fields.getFirst().put(0, COMMA); // in place of the brace
        for (ByteBuffer piece : fields) {
            target.write(piece.array(), piece.arrayOffset() + piece.position(), piece.remaining());
        }
        target.write(END, 0, END.length);
    }

    /** @param template of {@link #template} */
    void write(EventType type, JsonTemplate template, JsonText value) {
        begin(type);
        template.write(value, target);
    }

    /**
     * A template of events that differ in one field only.
     *
     * @param fields an object with the event's own fields
     * @param field its value is an empty string
     */
    static JsonTemplate template(Object fields, String field) {
        byte[][] pieces = OpenAiJson.around(fields, field);
        pieces[0][0] = COMMA;
        return FRAME.around(new JsonTemplate(pieces));
    }

    private void begin(EventType type) {
        byte[] head = Objects.requireNonNull(HEADS.get(type));
        target.write(head, 0, head.length);
        int at = MAX_DIGITS;
        int rest = next++;
        do {
            digits[--at] = (byte) ('0' + rest % 10);
            rest /= 10;
        } while (rest > 0);
        target.write(digits, at, MAX_DIGITS - at);
    }

    private static Map<EventType, byte[]> heads() {
        Map<EventType, byte[]> heads = new EnumMap<>(EventType.class);
        for (EventType type : EventType.values()) {
            String name = type.wireName();
            heads.put(type, utf8("event: " + name + "\ndata: {\"type\":\"" + name + "\",\"sequence_number\":"));
        }
        return heads;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
