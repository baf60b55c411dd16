package dev.localllm.core.chat;

import dev.localllm.core.admission.ConcurrencyLimit;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimiter;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.SystemPrompt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The use case, the same for every wire: charge the client, decode, check the prompt, choose the model, complete the
 * prompt, admit, generate. Thread-safe.
 */
public final class ChatService {

    private final @Nullable RateLimiter rateLimiter;
    private final PromptLimits promptLimits;
    private final ModelDirectory models;
    private final @Nullable SystemPrompt systemPrompt;
    private final int maxOutputTokens;
    private final ConcurrencyLimit concurrencyLimit;
    private final ChatModel chatModel;

    /**
     * @param rateLimiter null for no limit
     * @param systemPrompt put before chats that have no system message; null for none
     * @param maxOutputTokens ceiling of one response; a request's own limit counts when it is lower
     */
    public ChatService(
            @Nullable RateLimiter rateLimiter,
            PromptLimits promptLimits,
            ModelDirectory models,
            @Nullable SystemPrompt systemPrompt,
            int maxOutputTokens,
            ConcurrencyLimit concurrencyLimit,
            ChatModel chatModel) {
        this.rateLimiter = rateLimiter;
        this.promptLimits = promptLimits;
        this.models = models;
        this.systemPrompt = systemPrompt;
        this.maxOutputTokens = maxOutputTokens;
        this.concurrencyLimit = concurrencyLimit;
        this.chatModel = chatModel;
    }

    /**
     * Charges the client, then serves its request. A request that fails before its response has begun because there is
     * no capacity costs nothing, unless it is marked as charged; one that is refused for what it asks costs as much as
     * any other.
     *
     * @param onDecision told how the client stands: when it is charged, and again if that is given back; never called
     *     without a rate limit
     * @param decoder receives and decodes the request after it was charged
     * @return fails with {@link RateLimited} if the client may not ask now, else as decoder and responder do
     */
    public Mono<Void> answer(ClientId client, Consumer<RateDecision> onDecision, ChatDecoder decoder) {
        if (rateLimiter == null) {
            return Mono.defer(() -> decoder.decode(this::generate));
        }
        return Mono.defer(() -> {
            RateDecision decision = rateLimiter.charge(client);
            onDecision.accept(decision);
            return decision.allowed()
                    ? Mono.defer(() -> decoder.decode(this::generate)).doOnError(LlmException.class, e -> {
                        if (e.failure().isRefunded()) {
                            onDecision.accept(rateLimiter.refund(client));
                        }
                    })
                    : Mono.error(new LlmException(new RateLimited(decision.retryAfter())));
        });
    }

    private Mono<Void> generate(ChatCall call) {
        return Mono.defer(() -> {
                    promptLimits.check(
                            call.request().messages().size(), call.request().characters());
                    return models.resolve(call.model());
                })
                .flatMap(model -> call.responder().respond(model, events(model, completed(call.request()))));
    }

    /**
     * Opens the generation, which takes nothing yet, then takes a permit, and only then is the model server asked. The
     * permit is held until the exchange is over: that is later than when the caller left.
     */
    private Flux<List<ChatEvent>> events(ModelId model, ChatRequest request) {
        AtomicBoolean subscribed = new AtomicBoolean();
        return Flux.defer(() -> {
            if (!subscribed.compareAndSet(false, true)) {
                return Flux.error(new IllegalStateException("subscribers: 2 (expected: 1)"));
            }
            Generation generation = chatModel.open(model, request);
            ConcurrencyLimit.Permit permit = concurrencyLimit.acquire();
            return generation
                    .events()
                    .doOnSubscribe(subscription -> generation
                            .closed()
                            .doFinally(signal -> permit.release())
                            .subscribe());
        });
    }

    private ChatRequest completed(ChatRequest request) {
        return request.with(
                withSystemPrompt(request.messages()), request.options().withMaxTokens(maxOutputTokens));
    }

    private List<Message> withSystemPrompt(List<Message> messages) {
        if (systemPrompt == null || messages.stream().anyMatch(message -> message.role() == Role.SYSTEM)) {
            return messages;
        }
        List<Message> completed = new ArrayList<>(messages);
        completed.addFirst(new Message(Role.SYSTEM, systemPrompt.text()));
        return completed;
    }
}
