package dev.localllm.ollama.simulator;

import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** How much a model thinks before it answers. */
enum ThinkLevel {
    LOW(1),
    MEDIUM(2),
    HIGH(4),
    MAX(6);

    private static final String VALUES = "\"high\", \"medium\", \"low\", \"max\", true, or false";

    private static final List<String> SENTENCES = List.of(
            "I have no model to think with.",
            "A short answer is easier to test than a long one.",
            "The same question must get the same answer.",
            "Nobody will read this except a test.",
            "I should say that I am a simulator.",
            "That is enough for now.");

    private final int sentences;

    ThinkLevel(int sentences) {
        this.sentences = sentences;
    }

    /** Refuses what is neither absent, nor a boolean, nor a level. */
    static void check(JsonNode think) {
        if (think.isMissingNode() || think.isNull() || think.isBoolean()) {
            return;
        }
        if (!think.isString()) {
            throw new Refusal(400, "think must be a boolean or string (" + VALUES + ")");
        }
        String text = think.stringValue();
        if (!List.of("high", "medium", "low", "max").contains(text)) {
            throw new Refusal(400, "invalid think value: " + think + " (must be " + VALUES + ")");
        }
    }

    /** True if the request asks a model to think, which not every model can. */
    static boolean isDemanded(JsonNode think) {
        return think.isString() || think.asBoolean(false);
    }

    /** The level for a model that can think; null for no thinking. */
    static @Nullable ThinkLevel of(JsonNode think) {
        if (think.isString()) {
            return valueOf(think.stringValue().toUpperCase(Locale.ROOT));
        }
        return think.asBoolean(true) ? MEDIUM : null;
    }

    /** What the model thinks, as tokens. The same question and seed give the same text. */
    List<String> thoughts(String question, long seed) {
        StringBuilder text = new StringBuilder("The user says: \"" + Storyteller.quote(question) + "\".");
        int first = new Random(question.hashCode() * 31L + seed).nextInt(SENTENCES.size());
        for (int i = 0; i < sentences; i++) {
            text.append(' ').append(SENTENCES.get((first + i) % SENTENCES.size()));
        }
        return Storyteller.tokens(text.toString());
    }
}
