package dev.localllm.core.chat;

import java.util.List;

/**
 * The log probability of one token.
 *
 * @param token may be a part of a character; then its text is not meaningful, but its bytes are
 * @param logprob natural logarithm of the probability
 * @param bytes of the token in UTF-8, each from 0 to 255
 * @param alternatives the most probable tokens at this place, without alternatives of their own; may include this one
 */
public record TokenLogprob(String token, double logprob, List<Integer> bytes, List<TokenLogprob> alternatives) {

    public TokenLogprob {
        bytes = List.copyOf(bytes);
        alternatives = List.copyOf(alternatives);
    }
}
