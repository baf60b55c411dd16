package dev.localllm.core.chat;

import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One answer of a model server, opened by {@link ChatModel#open} and generated when its events are subscribed to.
 *
 * @param events as {@link ChatModel#open} promises them; for one subscriber, a second one gets an {@link
 *     IllegalStateException}
 * @param closed completes when no exchange with the model server is open. Before the events have a subscriber that is
 *     at once; afterwards it is when the exchange is over: its response was received to the end, it never began, or
 *     its connection is closed. An implementation that can't see the connection close completes it within a time limit
 *     all the same. It never fails, may be subscribed to any number of times, and a cancelled subscription changes
 *     nothing. Unless the time limit has passed, this side
 *     holds no connection for the generation then; whether the model server has stopped working on it is not known
 */
public record Generation(Flux<List<ChatEvent>> events, Mono<Void> closed) {}
