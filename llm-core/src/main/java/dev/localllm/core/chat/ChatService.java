package dev.localllm.core.chat;

import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimiter;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.SystemPrompt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The use case, the same for every wire: charges the client, decodes, checks the prompt limits, resolves the model,
 * adds the system prompt, waits for a permit, loads the model, generates. Thread-safe.
 */
public final class ChatService {

    private final @Nullable RateLimiter rateLimiter;
    private final PromptLimits promptLimits;
    private final ModelDirectory models;
    private final @Nullable SystemPrompt systemPrompt;
    private final int maxOutputTokens;
    private final DefaultThinking defaultThinking;
    private final FairQueue queue;
    private final ChatModel chatModel;
    private final ModelLoads loads;

    /**
     * @param rateLimiter null for no limit
     * @param systemPrompt added to chats without a system message; null for none
     * @param maxOutputTokens maximum tokens of one answer; a request may set a lower limit
     */
    public ChatService(
            @Nullable RateLimiter rateLimiter,
            PromptLimits promptLimits,
            ModelDirectory models,
            @Nullable SystemPrompt systemPrompt,
            int maxOutputTokens,
            DefaultThinking defaultThinking,
            FairQueue queue,
            ChatModel chatModel) {
        this.rateLimiter = rateLimiter;
        this.promptLimits = promptLimits;
        this.models = models;
        this.systemPrompt = systemPrompt;
        this.maxOutputTokens = maxOutputTokens;
        this.defaultThinking = defaultThinking;
        this.queue = queue;
        this.chatModel = chatModel;
        this.loads = new ModelLoads(chatModel, queue);
    }

    /**
     * Charges the client, then serves its request. The charge is refunded if the request fails before its response has
     * started and {@link dev.localllm.core.failure.LlmFailure#isRefunded} is true, which means a lack of capacity. A
     * request that is refused for its content is charged.
     *
     * @param onDecision called with the rate limiter's decision when the client is charged, and again after a refund;
     *     never called without a rate limit
     * @param decoder receives and decodes the request, after the charge
     * @return fails with {@link RateLimited} if the rate limit is exceeded, and if the decoder or the responder fails
     */
    public Mono<Void> answer(ClientId client, Consumer<RateDecision> onDecision, ChatDecoder decoder) {
        if (rateLimiter == null) {
            return Mono.defer(() -> decoder.decode(call -> generate(client, call)));
        }
        return Mono.defer(() -> {
            RateDecision decision = rateLimiter.charge(client);
            onDecision.accept(decision);
            return decision.allowed()
                    ? decoder.decode(call -> generate(client, call)).doOnError(LlmException.class, e -> {
                        if (e.failure().isRefunded()) {
                            onDecision.accept(rateLimiter.refund(client));
                        }
                    })
                    : Mono.error(new LlmException(new RateLimited(decision.retryAfter())));
        });
    }

    /**
     * Loads the model before a client needs it, with a permit, so that no other model is unloaded while it works. Does
     * nothing if the model is loaded.
     *
     * @param by is charged for the load
     * @return fails with an {@link LlmException}, also if the permit is not granted in time
     */
    public Mono<Void> load(ClientId by, ModelId model) {
        return Mono.using(
                () -> queue.enter(by, model),
                ticket -> permit(ticket, Runnable::run)
                        .flatMapMany(granted -> granted.startLoad()
                                ? loads.before(() -> afterWarmUp(granted), model, granted, Runnable::run)
                                : Flux.empty())
                        .then(),
                ticket -> end(ticket, model));
    }

    private static Flux<Void> afterWarmUp(Ticket ticket) {
        ticket.abandon();
        ticket.onLoaded();
        ticket.release();
        return Flux.empty();
    }

    private Mono<Void> generate(ClientId client, ChatCall call) {
        return Mono.defer(() -> {
                    promptLimits.check(
                            call.request().messages().size(), call.request().characters());
                    return models.resolve(call.model());
                })
                .flatMap(model -> generate(client, model, call));
    }

    /** Opens the generation first, which sends nothing yet: a request that can't be served must not wait. */
    private Mono<Void> generate(ClientId client, ModelId model, ChatCall call) {
        Generation generation = chatModel.open(model, completed(call.request(), model));
        return Mono.using(
                () -> queue.enter(client, model),
                ticket -> call.responder().respond(model, ticket, events(ticket, model, generation, call.thread())),
                ticket -> end(ticket, model));
    }

    private void end(Ticket ticket, ModelId model) {
        ticket.leave();
        loads.abortUnlessAwaited(model);
    }

    /** Waits for the permit, then starts the generation. */
    private Flux<List<ChatEvent>> events(Ticket ticket, ModelId model, Generation generation, Executor thread) {
        return Flux.defer(() -> ticket.isGranted()
                ? start(ticket, model, generation, thread)
                : permit(ticket, thread).flatMapMany(granted -> start(granted, model, generation, thread)));
    }

    /** Emits the ticket when the permit is granted. A cancel leaves the queue at once. */
    private Mono<Ticket> permit(Ticket ticket, Executor thread) {
        return Mono.<Ticket>create(sink -> {
                    sink.onCancel(ticket::leave);
                    ticket.listen(new Ticket.Listener() {
                        @Override
                        public void onGranted() {
                            thread.execute(() -> sink.success(ticket));
                        }

                        @Override
                        public void onRefused(LlmFailure failure) {
                            thread.execute(() -> sink.error(new LlmException(failure)));
                        }
                    });
                })
                .timeout(
                        queue.timeout(),
                        Mono.error(() -> new LlmException(new DeadlineExceeded(
                                Deadline.QUEUE,
                                "The request has waited for " + queue.timeout().toSeconds() + " s in the queue."))));
    }

    /**
     * Loads the model if necessary, and subscribes to the generation. The permit is released when the exchange is closed,
     * which is later than the caller's cancel.
     */
    private Flux<List<ChatEvent>> start(Ticket ticket, ModelId model, Generation generation, Executor thread) {
        Flux<List<ChatEvent>> events = generation
                .events()
                .doOnSubscribe(subscription ->
                        generation.closed().subscribe(nothing -> {}, fault -> ticket.release(), ticket::release));
        if (ticket.startLoad()) {
            return loads.before(() -> ticket.onLoaded() ? events : Flux.empty(), model, ticket, thread);
        }
        return ticket.start() ? events : Flux.error(new IllegalStateException("subscribers: 2 (expected: 1)"));
    }

    private ChatRequest completed(ChatRequest request, ModelId model) {
        return request.with(
                withSystemPrompt(request.messages()),
                request.options().withMaxTokens(maxOutputTokens),
                defaultThinking.of(model, request.thinking()));
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
