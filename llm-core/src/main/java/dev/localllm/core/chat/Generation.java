package dev.localllm.core.chat;

import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One generation of a model server. It starts when its events are subscribed to.
 *
 * @param events as {@link ChatModel#open} specifies. They take one subscriber; a second one gets an
 *     {@link IllegalStateException}
 * @param closed completes when no exchange with the model server is open. Before the events have a subscriber, it
 *     completes at once. Afterwards it completes when the response was received to its end, when no request was sent,
 *     or when the connection is closed; at the latest after a time limit of the implementation. Unless that limit has
 *     expired, the generation then uses no connection; the model server may still be working on it. Never fails and
 *     takes any number of subscribers; cancelling one has no effect on the others
 */
public record Generation(Flux<List<ChatEvent>> events, Mono<Void> closed) {}
