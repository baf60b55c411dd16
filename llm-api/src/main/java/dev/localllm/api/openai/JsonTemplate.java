package dev.localllm.api.openai;

import dev.localllm.core.chat.JsonText;
import java.util.Arrays;

/** Constant JSON, in UTF-8, with placeholders for one variable part. The arrays are shared and never written to. */
public final class JsonTemplate {

    private final byte[][] pieces;

    /**
     * Creates a template.
     *
     * @param pieces around the placeholders: one more than placeholders
     */
    public JsonTemplate(byte[]... pieces) {
        this.pieces = pieces;
    }

    /**
     * A template of the value's JSON.
     *
     * @param fields the value of each is an empty string or array; a placeholder is inside each
     */
    public static JsonTemplate of(Object value, String... fields) {
        return new JsonTemplate(OpenAiJson.around(value, fields));
    }

    /** Number of bytes without the variable part. */
    public int length() {
        int length = 0;
        for (byte[] piece : pieces) {
            length += piece.length;
        }
        return length;
    }

    /** Writes the template with the value in each placeholder. */
    public void write(JsonText value, JsonText.Sink target) {
        target.write(pieces[0], 0, pieces[0].length);
        for (int i = 1; i < pieces.length; i++) {
            value.writeTo(target);
            target.write(pieces[i], 0, pieces[i].length);
        }
    }

    /** Writes the template with the JSON in each placeholder. */
    public void write(byte[] json, JsonText.Sink target) {
        write(JsonText.ofEscaped(json, 0, json.length), target);
    }

    /** Replaces the only placeholder of this template by the other template. */
    public JsonTemplate around(JsonTemplate inner) {
        byte[][] joined = inner.pieces.clone();
        int last = joined.length - 1;
        joined[0] = joined(pieces[0], joined[0]);
        joined[last] = joined(joined[last], pieces[1]);
        return new JsonTemplate(joined);
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
