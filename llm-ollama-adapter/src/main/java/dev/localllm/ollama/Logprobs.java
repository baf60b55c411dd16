package dev.localllm.ollama;

import dev.localllm.core.chat.TokenLogprob;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Maps Ollama's log probabilities. Pure. */
final class Logprobs {

    private Logprobs() {}

    /** @param tokens null for none */
    static List<TokenLogprob> of(@Nullable List<OllamaWire.Logprob> tokens) {
        return tokens == null
                ? List.of()
                : tokens.stream()
                        .map(token -> token(token, of(token.alternatives())))
                        .toList();
    }

    private static TokenLogprob token(OllamaWire.Logprob token, List<TokenLogprob> alternatives) {
        List<Integer> bytes = token.bytes() == null ? utf8(token.token()) : token.bytes();
        return new TokenLogprob(token.token(), token.logprob(), bytes, alternatives);
    }

    private static List<Integer> utf8(String token) {
        byte[] bytes = token.getBytes(StandardCharsets.UTF_8);
        return IntStream.range(0, bytes.length).mapToObj(i -> bytes[i] & 0xFF).toList();
    }
}
