package dev.localllm.ollama;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Where the lines of a route have their text and thinking. The bytes of a plain line are never written to. */
@SuppressWarnings("ImmutableEnumChecker") // arrays are mutable
enum LineFormat {
    CHAT("/api/chat", "message", 128, "\",\"message\":{\"role\":\"assistant\",\"content\":\"", "\"},\"done\":false}\n"),
    GENERATE("/api/generate", "response", 96, "\",\"response\":\"", "\",\"done\":false}\n");

    private final String path;
    private final String field;

    /** Length of a plain line. */
    final int typicalBytes;

    /** Between the time and the text of a plain line. */
    final byte[] beforeText;

    /** After the text, or the thinking, of a plain line. */
    final byte[] end;

    LineFormat(String path, String field, int typicalBytes, String beforeText, String end) {
        this.path = path;
        this.field = field;
        this.typicalBytes = typicalBytes;
        this.beforeText = beforeText.getBytes(StandardCharsets.US_ASCII);
        this.end = end.getBytes(StandardCharsets.US_ASCII);
    }

    String path() {
        return path;
    }

    /** The name of the field that every line has, except for errors. */
    String field() {
        return field;
    }

    /** What the line has in that field; null if it lacks it. */
    OllamaWire.@Nullable LineMessage message(OllamaWire.Line line) {
        return switch (this) {
            case CHAT -> line.message();
            case GENERATE ->
                line.response() == null ? null : new OllamaWire.LineMessage(line.response(), line.thinking(), null);
        };
    }

    /** True if the last line may have the tokens of prompt and answer, for a next request. */
    boolean hasContext() {
        return this == GENERATE;
    }
}
