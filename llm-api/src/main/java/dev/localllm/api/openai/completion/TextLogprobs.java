package dev.localllm.api.openai.completion;

import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.TokenLogprob;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives log probabilities the form of this route, and counts where their tokens are. One per answer; not thread-safe.
 *
 * <pre>{@code
 * {"tokens":["On"],"token_logprobs":[-0.5],"top_logprobs":[{"On":-0.5,"In":-1.25}],"text_offset":[16]}
 * }</pre>
 */
final class TextLogprobs {

    /**
     * One item per token in each list.
     *
     * @param topLogprobs the most probable tokens and, in any case, the generated one
     * @param textOffset where the tokens begin, in code points from the beginning of the prompt
     */
    record Logprobs(
            List<JsonText> tokens,
            List<Double> tokenLogprobs,
            List<Map<String, Double>> topLogprobs,
            List<Integer> textOffset) {}

    /** Where the next text begins. */
    private int end;

    TextLogprobs(String prompt) {
        end = codePoints(prompt);
    }

    /** @param tokens those of the next text */
    Logprobs of(List<TokenLogprob> tokens) {
        return new Logprobs(
                tokens.stream().map(token -> JsonText.of(token.token())).toList(),
                tokens.stream().map(TokenLogprob::logprob).toList(),
                tokens.stream().map(TextLogprobs::top).toList(),
                offsets(tokens));
    }

    /** To be called for every text, after {@link #of} for its tokens. */
    void onText(JsonText text) {
        end += codePoints(text.toString());
    }

    private static Map<String, Double> top(TokenLogprob token) {
        Map<String, Double> top = new LinkedHashMap<>();
        token.alternatives().forEach(alternative -> top.putIfAbsent(name(alternative), alternative.logprob()));
        top.putIfAbsent(name(token), token.logprob());
        return top;
    }

    /** Without unpaired surrogates, which JSON can't have. */
    private static String name(TokenLogprob token) {
        return JsonText.of(token.token()).toString();
    }

    /** A token that is a part of a character begins where the character does. */
    private List<Integer> offsets(List<TokenLogprob> tokens) {
        List<Integer> offsets = new ArrayList<>();
        int begun = end;
        for (TokenLogprob token : tokens) {
            boolean continues =
                    !token.bytes().isEmpty() && isContinuation(token.bytes().getFirst());
            offsets.add(continues ? begun - 1 : begun);
            for (int octet : token.bytes()) {
                begun += isContinuation(octet) ? 0 : 1;
            }
        }
        return offsets;
    }

    /** True for all bytes of a character in UTF-8 except the first one. */
    private static boolean isContinuation(int octet) {
        return (octet & 0xC0) == 0x80;
    }

    private static int codePoints(String text) {
        return text.codePointCount(0, text.length());
    }
}
