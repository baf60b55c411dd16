package dev.localllm.core.chat;

import dev.localllm.core.admission.Queued;
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
     * @param queued tells the request's place while it waits for its permit
     * @param events as {@link ChatModel#open} specifies; the generation starts when they are subscribed to and the permit
     *     is granted. They take one subscriber, a second one gets an {@link IllegalStateException}
     * @return fails with the events' failure only if nothing was sent yet; a later failure is sent on the wire, and the
     *     Mono completes
     */
    Mono<Void> respond(ModelId model, Queued queued, Flux<List<ChatEvent>> events);
}
