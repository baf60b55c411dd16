package dev.localllm.core.chat;

import java.nio.charset.StandardCharsets;

/**
 * Text in the form of a JSON string: escaped UTF-8 bytes without the quotes. It is copied from JSON to JSON without
 * decoding; {@link #toString} decodes it. Two are equal if their decoded texts are equal. Immutable, provided that
 * nobody writes to a shared array.
 */
public final class JsonText {

    /** Receives bytes. {@code DataBuffer::write} and {@code ByteArrayOutputStream::write} fit this type. */
    @FunctionalInterface
    public interface Sink {
        void write(byte[] source, int offset, int length);
    }

    private static final int MAX_ESCAPED = 6;
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private final byte[] bytes;
    private final int offset;
    private final int length;

    private JsonText(byte[] bytes, int offset, int length) {
        this.bytes = bytes;
        this.offset = offset;
        this.length = length;
    }

    /** Escapes the text. An unpaired surrogate becomes U+FFFD. */
    public static JsonText of(String text) {
        byte[] plain = text.codePoints()
                .map(codePoint -> isSurrogate(codePoint) ? '\uFFFD' : codePoint)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString()
                .getBytes(StandardCharsets.UTF_8);
        byte[] one = new byte[MAX_ESCAPED];
        int length = 0;
        for (byte b : plain) {
            length += escape(b, one, 0);
        }
        byte[] escaped = new byte[length]; // not longer: some texts are kept
        int end = 0;
        for (byte b : plain) {
            end = escape(b, escaped, end);
        }
        return new JsonText(escaped, 0, length);
    }

    /**
     * Wraps escaped bytes that {@link #end} has validated. The array is shared, not copied: it must not change
     * afterwards.
     */
    public static JsonText ofEscaped(byte[] bytes, int from, int to) {
        return new JsonText(bytes, from, to - from);
    }

    /**
     * Finds the closing quote of a JSON string, and validates the bytes before it.
     *
     * @param from index of the first byte inside the string
     * @param to end of the readable bytes, exclusive
     * @return index of the closing quote; -1 if there is none before {@code to}, or if the string is invalid: a control
     *     character, a malformed escape, or bytes that are not UTF-8
     */
    public static int end(byte[] bytes, int from, int to) {
        int i = from;
        while (i >= 0 && i < to) {
            byte b = bytes[i];
            if (b == '"') {
                return i;
            }
            i = b == '\\' ? afterEscape(bytes, i, to) : b >= 0x20 ? i + 1 : afterMultiByte(bytes, i, to);
        }
        return -1;
    }

    /** Number of bytes that {@link #writeTo} writes. */
    public int length() {
        return length;
    }

    /** Writes the escaped bytes, without quotes. */
    public void writeTo(Sink sink) {
        sink.write(bytes, offset, length);
    }

    /** The JSON string: the escaped text in quotes. */
    public String quoted() {
        return '"' + new String(bytes, offset, length, StandardCharsets.UTF_8) + '"';
    }

    /** The decoded text. An unpaired escaped surrogate becomes U+FFFD. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(length);
        int end = offset + length;
        int i = offset;
        while (i < end) {
            int plainEnd = i;
            while (plainEnd < end && bytes[plainEnd] != '\\') {
                plainEnd++;
            }
            text.append(new String(bytes, i, plainEnd - i, StandardCharsets.UTF_8));
            i = plainEnd < end ? unescape(plainEnd + 1, text) : end;
        }
        return replaceLoneSurrogates(text);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof JsonText that && toString().equals(that.toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }

    private static int escape(byte b, byte[] target, int at) {
        int next = at;
        if (b == '"' || b == '\\') {
            target[next++] = '\\';
            target[next++] = b;
        } else if (b >= 0 && b < 0x20) {
            target[next++] = '\\';
            target[next++] = 'u';
            target[next++] = '0';
            target[next++] = '0';
            target[next++] = HEX[b >> 4];
            target[next++] = HEX[b & 0xF];
        } else {
            target[next++] = b;
        }
        return next;
    }

    /** Index after the escape that begins at i, or -1. */
    private static int afterEscape(byte[] bytes, int i, int to) {
        if (i + 1 >= to) {
            return -1;
        }
        return switch (bytes[i + 1]) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> i + 2;
            case 'u' -> i + 6 <= to && hex(bytes, i + 2) >= 0 ? i + 6 : -1;
            default -> -1;
        };
    }

    /** Index after the multi-byte character that begins at i, or -1 if there is no well-formed one (RFC 3629 §4). */
    private static int afterMultiByte(byte[] bytes, int i, int to) {
        int lead = bytes[i] & 0xFF;
        int size = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (size == 0 || i + size > to) {
            return -1;
        }
        int second = bytes[i + 1] & 0xFF;
        int lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        int highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (second < lowest || second > highest) {
            return -1;
        }
        for (int k = 2; k < size; k++) {
            if ((bytes[i + k] & 0xC0) != 0x80) {
                return -1;
            }
        }
        return i + size;
    }

    /** Value of the four hex digits at i, or -1. */
    private static int hex(byte[] bytes, int i) {
        int value = 0;
        for (int k = i; k < i + 4; k++) {
            int digit = Character.digit(bytes[k] & 0xFF, 16);
            if (digit < 0) {
                return -1;
            }
            value = value << 4 | digit;
        }
        return value;
    }

    /** Appends the character of the escape whose letter is at i. Returns the index after the escape. */
    private int unescape(int i, StringBuilder text) {
        byte letter = bytes[i];
        if (letter == 'u') {
            text.append((char) hex(bytes, i + 1));
            return i + 5;
        }
        text.append(
                switch (letter) {
                    case 'b' -> '\b';
                    case 'f' -> '\f';
                    case 'n' -> '\n';
                    case 'r' -> '\r';
                    case 't' -> '\t';
                    default -> (char) letter;
                });
        return i + 1;
    }

    private static String replaceLoneSurrogates(StringBuilder text) {
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            if (isSurrogate(text.codePointAt(i))) {
                text.setCharAt(i, '\uFFFD');
            }
        }
        return text.toString();
    }

    private static boolean isSurrogate(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }
}
