package dev.localllm.ollama.simulator;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model of the simulator, in the order of the list: the first one that can chat is a caller's default. */
enum SimulatedModel {
    CHAT(OllamaSimulator.CHAT_MODEL, "1f0c4a9be2d84d15", "llama", List.of("completion", "tools", "insert", "vision")),
    SECOND_CHAT(OllamaSimulator.SECOND_CHAT_MODEL, "5d83a7f6c21e4b07", "llama", List.of("completion")),
    THINKING(OllamaSimulator.THINKING_MODEL, "c40e17d95ab2f836", "llama", List.of("completion", "tools", "thinking")),
    EMBED(OllamaSimulator.EMBED_MODEL, "7b52e6c1d0a94f38", "bert", List.of("embedding"), 512);

    static final int EMBEDDING_LENGTH = 32;
    static final long SIZE_BYTES = 1_048_576;

    private static final String MODIFIED_AT = "2026-11-01T00:00:00Z";

    private final String fullName;
    private final String digest;
    private final String family;

    @SuppressWarnings("ImmutableEnumChecker") // comes from List.of
    private final List<String> capabilities;

    private final int contextLength;

    SimulatedModel(String fullName, String digestPart, String family, List<String> capabilities) {
        this(fullName, digestPart, family, capabilities, 131_072);
    }

    SimulatedModel(String fullName, String digestPart, String family, List<String> capabilities, int contextLength) {
        this.fullName = fullName;
        this.digest = digestPart.repeat(4);
        this.family = family;
        this.capabilities = capabilities;
        this.contextLength = contextLength;
    }

    /** The model with that name, or null. Case and the tag {@code latest} are ignored. */
    static @Nullable SimulatedModel named(String name) {
        String folded = name.toLowerCase(Locale.ROOT);
        for (SimulatedModel model : values()) {
            if (model.fullName.equals(folded) || model.fullName.equals(folded + ":latest")) {
                return model;
            }
        }
        return null;
    }

    boolean can(String required) {
        return capabilities.contains(required);
    }

    /** The context that the model is loaded with, in tokens: never more than it was trained for. */
    int contextTokens(int requested) {
        return Math.min(requested, contextLength);
    }

    SimulatorWire.Tag tag() {
        return new SimulatorWire.Tag(fullName, fullName, MODIFIED_AT, SIZE_BYTES, digest, details(), capabilities);
    }

    SimulatorWire.RunningModel process(String expiresAt, int contextLength) {
        return new SimulatorWire.RunningModel(
                fullName, fullName, SIZE_BYTES, digest, details().withoutLengths(), expiresAt, 0, contextLength);
    }

    SimulatorWire.Show show() {
        return new SimulatorWire.Show(
                "Apache-2.0",
                "# A simulator: no model behind it\nFROM " + fullName + "\n",
                "num_ctx                        " + contextLength,
                "{{ .Prompt }}",
                details().withoutLengths(),
                Map.of("general.architecture", family, family + ".context_length", contextLength),
                List.of(new SimulatorWire.Tensor("output.weight", "F32", List.of(1, 1))),
                capabilities,
                MODIFIED_AT);
    }

    private SimulatorWire.Details details() {
        return new SimulatorWire.Details(
                "", "gguf", family, List.of(family), "0", "simulated", contextLength, EMBEDDING_LENGTH);
    }
}
