package dev.localllm.api.openai;

import java.util.Arrays;
import java.util.List;

/** UTF-8 before and after a hole, for what changes within it. The arrays are shared: nobody writes to them. */
final class JsonTemplate {

    private final byte[] head;
    private final byte[] tail;

    JsonTemplate(byte[] head, byte[] tail) {
        this.head = head;
        this.tail = tail;
    }

    /** @param field whose value is an empty string or array in the record: the hole is in it */
    static JsonTemplate of(Object value, String field) {
        List<byte[]> pieces = OpenAiJson.around(value, List.of(field));
        return new JsonTemplate(pieces.getFirst(), pieces.getLast());
    }

    byte[] head() {
        return head;
    }

    byte[] tail() {
        return tail;
    }

    /** The other in the hole of this one. */
    JsonTemplate around(JsonTemplate inner) {
        return new JsonTemplate(joined(head, inner.head), joined(inner.tail, tail));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
