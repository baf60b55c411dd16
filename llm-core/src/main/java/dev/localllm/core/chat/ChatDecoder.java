package dev.localllm.core.chat;

import java.util.function.Function;
import reactor.core.publisher.Mono;

/** How a wire receives and decodes one request: a step of {@link ChatService#answer}. */
@FunctionalInterface
public interface ChatDecoder {

    /**
     * Receives the request, decodes it, and has it answered.
     *
     * @param answer serves what was decoded; what the request holds may be counted as in use until that is over
     * @return fails with an {@link dev.localllm.core.failure.LlmException} or a fault of the wire's own if the request
     *     can't be decoded, and as {@code answer} does; nothing happens before it is subscribed to
     */
    Mono<Void> decode(Function<ChatCall, Mono<Void>> answer);
}
