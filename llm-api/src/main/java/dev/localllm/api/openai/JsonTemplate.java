package dev.localllm.api.openai;

import java.util.Arrays;
import java.util.List;

/** Constant JSON, in UTF-8, with a placeholder for the variable part. The arrays are shared and never written to. */
final class JsonTemplate {

    private final byte[] head;
    private final byte[] tail;

    JsonTemplate(byte[] head, byte[] tail) {
        this.head = head;
        this.tail = tail;
    }

    /** @param field its value is an empty string or array; the placeholder is inside it */
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

    /** Replaces the placeholder of this template by the other template. */
    JsonTemplate around(JsonTemplate inner) {
        return new JsonTemplate(joined(head, inner.head), joined(inner.tail, tail));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
