package dev.localllm.core.embedding;

import java.util.function.Function;
import reactor.core.publisher.Mono;

/** Receives and decodes one request of a wire: a step of {@link EmbeddingService#embed}. */
@FunctionalInterface
public interface EmbeddingDecoder {

    /**
     * Receives the request, decodes it, and passes it to {@code answer}.
     *
     * @param answer serves the decoded request; the memory of the request may be in use until its Mono ends
     * @return does nothing before it is subscribed to; fails with an {@link dev.localllm.core.failure.LlmException} or
     *     an exception of the wire if the request can't be decoded, and if {@code answer} fails
     */
    Mono<Void> decode(Function<EmbeddingCall, Mono<Void>> answer);
}
