package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Generates random unit vectors as embeddings; the same text gives the same vector. Pure. */
final class Embedder {

    private Embedder() {}

    static List<String> inputs(JsonNode input) {
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

    static SimulatorWire.Embeddings answer(String model, List<String> inputs) {
        if (inputs.isEmpty()) {
            return new SimulatorWire.Embeddings(model, List.of(), null, null, null);
        }
        int tokens = inputs.stream()
                .mapToInt(input -> Storyteller.tokens(input).size())
                .sum();
        return new SimulatorWire.Embeddings(
                model, inputs.stream().map(Embedder::vector).toList(), 2_000_000L, 1_000_000L, tokens);
    }

    private static List<Float> vector(String text) {
        Random random = new Random(text.hashCode());
        List<Double> raw = Stream.generate(random::nextGaussian)
                .limit(SimulatedModel.EMBEDDING_LENGTH)
                .toList();
        double length =
                Math.sqrt(raw.stream().mapToDouble(value -> value * value).sum());
        List<Float> unit = new ArrayList<>();
        raw.forEach(value -> unit.add((float) (value / length)));
        return unit;
    }
}
