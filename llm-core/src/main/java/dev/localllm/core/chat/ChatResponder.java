package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Sends one answer on a wire: the last step of {@link ChatService#answer}. */
@FunctionalInterface
public interface ChatResponder {

    /**
     * Sends the answer while its events arrive.
     *
     * @param model the resolved model: never null, never an alias
     * @param events as {@link ChatModel#open} specifies; the permit is acquired and the generation starts when they are
     *     subscribed to. They take one subscriber, a second one gets an {@link IllegalStateException}
     * @return fails with the events' failure only if nothing was sent yet; a later failure is sent on the wire, and the
     *     Mono completes
     */
    Mono<Void> respond(ModelId model, Flux<List<ChatEvent>> events);
}
