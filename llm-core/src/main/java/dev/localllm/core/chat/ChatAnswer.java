package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.List;
import reactor.core.publisher.Flux;

/**
 * An answer about to be generated.
 *
 * @param model that answers: the default or the target of an alias where the request named one
 * @param events as {@link ChatModel#stream} promises them; generation starts on subscription
 */
public record ChatAnswer(ModelId model, Flux<List<ChatEvent>> events) {}
