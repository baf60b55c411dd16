package dev.localllm.core.chat;

import dev.localllm.core.access.Charging;
import dev.localllm.core.access.Permits;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.prompt.PromptCatalog;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.PromptReference;
import dev.localllm.core.prompt.RenderedPrompt;
import dev.localllm.core.prompt.SystemPrompt;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The use case, the same for every wire: charges the client, decodes, checks the prompt limits, adds the
 * system prompt, resolves the model, waits for a permit, loads the model, generates. Thread-safe.
 */
public final class ChatService {

    private final Charging charging;
    private final PromptLimits promptLimits;
    private final ModelDirectory models;
    private final Supplier<PromptCatalog> prompts;
    private final int maxOutputTokens;
    private final DefaultThinking defaultThinking;
    private final FairQueue queue;
    private final ChatModel chatModel;
    private final ModelLoads loads;

    /**
     * @param prompts called for each request
     * @param maxOutputTokens maximum tokens of one answer; a request may set a lower limit
     */
    public ChatService(
            Charging charging,
            PromptLimits promptLimits,
            ModelDirectory models,
            Supplier<PromptCatalog> prompts,
            int maxOutputTokens,
            DefaultThinking defaultThinking,
            FairQueue queue,
            ChatModel chatModel) {
        this.charging = charging;
        this.promptLimits = promptLimits;
        this.models = models;
        this.prompts = prompts;
        this.maxOutputTokens = maxOutputTokens;
        this.defaultThinking = defaultThinking;
        this.queue = queue;
        this.chatModel = chatModel;
        this.loads = new ModelLoads(chatModel, queue);
    }

    /** Serves one request of a client, as {@link Charging#charge} specifies. */
    public Mono<Void> answer(ClientId client, Consumer<RateDecision> onDecision, ChatDecoder decoder) {
        return charging.charge(client, onDecision, () -> decoder.decode(call -> generate(client, call)));
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
                ticket -> Permits.await(ticket, queue, Runnable::run)
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
            GenerationRequest request = prompted(call.request());
            return models.resolve(call.model()).flatMap(model -> generate(client, model, request, call));
        });
    }

    /** Opens the generation first, which sends nothing yet: a request that can't be served must not wait. */
    private Mono<Void> generate(ClientId client, ModelId model, GenerationRequest request, ChatCall call) {
        Generation generation = chatModel.open(model, completed(request, model));
        return Mono.using(
                () -> queue.enter(client, model),
                ticket -> call.responder().respond(model, ticket, events(ticket, model, generation, call.thread())),
                ticket -> end(ticket, model));
    }

    /** Checks the limits, then adds the prompt. */
    private GenerationRequest prompted(GenerationRequest request) {
        return switch (request) {
            case ChatRequest r -> prompted(r);
            case CompletionRequest r -> {
                promptLimits.checkText(r.characters());
                yield r;
            }
        };
    }

    /** A prompt is joined after the check, as it may repeat large values. */
    private ChatRequest prompted(ChatRequest chat) {
        PromptReference named = chat.prompt();
        RenderedPrompt rendered = named == null ? null : prompts.get().render(named);
        promptLimits.check(chat.messages().size(), chat.characters() + (rendered == null ? 0 : rendered.characters()));
        return rendered == null ? withSystemPrompt(chat) : chat.withSystemPrompt(rendered.text());
    }

    private ChatRequest withSystemPrompt(ChatRequest chat) {
        SystemPrompt configured = prompts.get().systemPrompt();
        return configured == null || chat.hasSystemMessage() ? chat : chat.withSystemPrompt(configured.text());
    }

    private void end(Ticket ticket, ModelId model) {
        ticket.leave();
        loads.abortUnlessAwaited(model);
    }

    /** Waits for the permit, then starts the generation. */
    private Flux<List<ChatEvent>> events(Ticket ticket, ModelId model, Generation generation, Executor thread) {
        return Flux.defer(() -> ticket.isGranted()
                ? start(ticket, model, generation, thread)
                : Permits.await(ticket, queue, thread)
                        .flatMapMany(granted -> start(granted, model, generation, thread)));
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

    private GenerationRequest completed(GenerationRequest request, ModelId model) {
        GenerationOptions options = request.options().withMaxTokens(maxOutputTokens);
        return switch (request) {
            case ChatRequest r -> r.with(options, defaultThinking.of(model, r.thinking()));
            case CompletionRequest r -> r.with(options);
        };
    }
}
