package dev.localllm.core.prompt;

import java.util.List;

/** A prompt with its values, not yet joined: a template may repeat a large value many times. */
public record RenderedPrompt(List<String> pieces) {

    public RenderedPrompt {
        pieces = List.copyOf(pieces);
    }

    /** Number of UTF-16 code units. */
    public long characters() {
        long sum = 0;
        for (String piece : pieces) {
            sum += piece.length();
        }
        return sum;
    }

    public String text() {
        return String.join("", pieces);
    }
}
