package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** How a wire sends one answer: the last step of {@link ChatService#answer}. */
@FunctionalInterface
public interface ChatResponder {

    /**
     * Sends the answer as its events come.
     *
     * @param model that answers: the default or the target of an alias where the request named one
     * @param events as {@link ChatModel#open} promises them, admitted and generated when they are subscribed to; for one
     *     subscriber, a second one gets an {@link IllegalStateException}
     * @return fails with the events' failure only if nothing was sent before; a later one is told on the wire, and
     *     this completes
     */
    Mono<Void> respond(ModelId model, Flux<List<ChatEvent>> events);
}
