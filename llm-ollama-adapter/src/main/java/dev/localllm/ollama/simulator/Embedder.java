package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request for embeddings, parsed as Ollama does, with Ollama's error texts. The vectors are random unit vectors; the same
 * text gives the same vector.
 *
 * @param name the model's name, as the caller wrote it
 * @param dimensions length of the vectors; null for the model's own
 * @param contextTokens of one input
 * @param truncate true if longer inputs are cut
 */
record Embedder(
        String name,
        SimulatedModel model,
        List<String> inputs,
        @Nullable Integer dimensions,
        int contextTokens,
        boolean truncate) {

    /** The tokens that begin and end each input. */
    private static final int SPECIAL_TOKENS = 2;

    static Embedder parse(JsonNode request) {
        String name = request.path("model").asString("");
        SimulatedModel model = SimulatedModel.named(name);
        if (model == null) {
            throw new Refusal(404, "model \"" + name + "\" not found, try pulling it first");
        }
        List<String> inputs = inputs(request.path("input"));
        if (!model.can("embedding")) {
            throw new Refusal(501, "This server does not support embeddings. Start it with `--embeddings`");
        }
        int dimensions = request.path("dimensions").asInt(0);
        int contextTokens = request.path("options").path("num_ctx").asInt(Prompt.DEFAULT_CONTEXT);
        return new Embedder(
                name,
                model,
                inputs,
                dimensions > 0 ? dimensions : null,
                model.contextTokens(contextTokens),
                request.path("truncate").asBoolean(true));
    }

    private static List<String> inputs(JsonNode input) {
        if (input.isMissingNode()
                || input.isNull()
                || (input.isString() && input.stringValue().isEmpty())) {
            return List.of();
        }
        if (input.isString()) {
            return List.of(input.stringValue());
        }
        if (!input.isArray() || input.valueStream().anyMatch(item -> !item.isString())) {
            throw new Refusal(400, "invalid input type");
        }
        return input.valueStream().map(JsonNode::stringValue).toList();
    }

    SimulatorWire.Embeddings answer() {
        if (inputs.isEmpty()) {
            return new SimulatorWire.Embeddings(name, List.of(), null, null, null);
        }
        int tokens = inputs.stream().mapToInt(this::tokens).sum();
        return new SimulatorWire.Embeddings(
                name, inputs.stream().map(this::vector).toList(), 2_000_000L, 1_000_000L, tokens);
    }

    private int tokens(String input) {
        int tokens = SPECIAL_TOKENS + Storyteller.tokens(input).size();
        if (tokens > contextTokens && !truncate) {
            throw new Refusal(400, "the input length exceeds the context length");
        }
        return Math.min(tokens, contextTokens);
    }

    /** Ollama cuts the vector to the requested length and makes it a unit vector again; it can't make it longer. */
    private List<Float> vector(String text) {
        Random random = new Random(text.hashCode());
        List<Double> raw = Stream.generate(random::nextGaussian)
                .limit(SimulatedModel.EMBEDDING_LENGTH)
                .toList();
        List<Double> cut = dimensions == null ? raw : raw.subList(0, Math.min(dimensions, raw.size()));
        double length =
                Math.sqrt(cut.stream().mapToDouble(value -> value * value).sum());
        List<Float> unit = new ArrayList<>();
        cut.forEach(value -> unit.add((float) (value / length)));
        return unit;
    }
}
