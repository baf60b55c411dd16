package dev.localllm.api.logging;

import java.util.HexFormat;

/** Writes text so that it can't end a line or a JSON string. */
final class Quoted {

    private static final HexFormat HEX = HexFormat.of();

    private static final boolean[] ESCAPED = new boolean[0x80];

    static {
        for (char c = 0; c < ESCAPED.length; c++) {
            ESCAPED[c] = isUnsafe(c) || c == '"' || c == '\\';
        }
    }

    private Quoted() {}

    /** Appends a JSON string. All control characters and line separators of Unicode are escaped too. */
    static void append(StringBuilder line, String text) {
        line.append('"');
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isEscaped(c)) {
                line.append(text, plain, i);
                plain = i + 1;
                appendEscaped(line, c);
            }
        }
        line.append(text, plain, text.length()).append('"');
    }

    /** Control characters, and what some readers take for the end of a line. */
    static boolean isUnsafe(char c) {
        return c < ' ' || (c >= 0x7F && (c <= 0x9F || c == '\u2028' || c == '\u2029'));
    }

    /** True for all that a JSON string has as an escape. */
    private static boolean isEscaped(char c) {
        return c < ESCAPED.length ? ESCAPED[c] : isUnsafe(c);
    }

    private static void appendEscaped(StringBuilder line, char c) {
        line.append('\\');
        switch (c) {
            case '"', '\\' -> line.append(c);
            case '\n' -> line.append('n');
            case '\r' -> line.append('r');
            case '\t' -> line.append('t');
            default -> line.append('u').append(HEX.toHexDigits(c));
        }
    }
}
