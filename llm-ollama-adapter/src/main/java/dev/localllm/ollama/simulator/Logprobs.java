package dev.localllm.ollama.simulator;

import dev.localllm.ollama.simulator.SimulatorWire.Logprob;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Makes log probabilities of tokens: the same for the same token. The probabilities of a token and its alternatives add
 * up to less than 1. Pure.
 *
 * @param top number of most probable tokens, the generated one included
 */
record Logprobs(int top) {

    private static final int MAX_TOP = 20;
    private static final List<String> VOCABULARY = List.of(
            " the", " a", " of", " and", " to", " in", " is", " it", " that", " for", " on", " with", " as", " was",
            " at", " by", " an", " be", " this", " from", " or");

    /** Null if the request wants none. */
    static @Nullable Logprobs parse(JsonNode request, String struct) {
        GoJson.typed(request.path("logprobs"), struct + ".logprobs", JsonNode::isBoolean, "bool");
        GoJson.typed(request.path("top_logprobs"), struct + ".top_logprobs", JsonNode::isIntegralNumber, "int");
        int top = request.path("top_logprobs").asInt(0);
        if (top < 0 || top > MAX_TOP) {
            throw new Refusal(400, "top_logprobs must be between 0 and 20");
        }
        return request.path("logprobs").asBoolean(false) ? new Logprobs(top) : null;
    }

    List<Logprob> of(List<String> tokens) {
        return tokens.stream().map(this::of).toList();
    }

    private Logprob of(String token) {
        double probability = 0.5 + 0.49 * new Random(token.hashCode()).nextDouble();
        if (top == 0) {
            return entry(token, probability, null);
        }
        List<Logprob> best = new ArrayList<>();
        best.add(entry(token, probability, null));
        double rest = 1 - probability;
        for (String other : VOCABULARY) {
            if (best.size() < top && !other.equals(token)) {
                rest /= 2;
                best.add(entry(other, rest, null));
            }
        }
        return entry(token, probability, best);
    }

    private static Logprob entry(String token, double probability, @Nullable List<Logprob> best) {
        List<Integer> bytes = new ArrayList<>();
        for (byte b : token.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(Byte.toUnsignedInt(b));
        }
        return new Logprob(token, Math.log(probability), bytes, best);
    }
}
