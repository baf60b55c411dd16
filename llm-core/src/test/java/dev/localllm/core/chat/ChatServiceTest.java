package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.access.Charging;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.Place;
import dev.localllm.core.admission.QueueLimits;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.EveryFailure;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimit;
import dev.localllm.core.limit.RateLimiter;
import dev.localllm.core.prompt.Prompt;
import dev.localllm.core.prompt.PromptCatalog;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.PromptReference;
import dev.localllm.core.prompt.PromptTemplate;
import dev.localllm.core.prompt.SystemPrompt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class ChatServiceTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration QUEUE_TIMEOUT = Duration.ofSeconds(30);
    private static final ClientId ANN = new ClientId("ann");
    private static final Message QUESTION = new Message(Role.USER, "Why?");
    private static final Message OWN_SYSTEM = new Message(Role.SYSTEM, "Be brief.");
    private static final List<ChatEvent> WORD = List.of(new TextDelta(JsonText.of("word ")));
    private static final List<ChatEvent> END =
            List.of(new Finished(FinishReason.STOP, new Usage(1, null, 0), Timings.ZERO));
    private static final Set<Class<?>> NO_CAPACITY =
            Set.of(Overloaded.class, UpstreamUnavailable.class, ShuttingDown.class);
    private static final ChatResponder READER = (model, queued, events) -> events.then();

    private final List<GenerationRequest> generated = new ArrayList<>();
    private final List<RateDecision> decisions = new ArrayList<>();
    private PromptCatalog prompts = PromptCatalog.EMPTY;
    private PromptLimits promptLimits = new PromptLimits(10, 100);
    private @Nullable RateLimiter rateLimiter;
    private @Nullable RuntimeException openFault;
    private @Nullable RuntimeException openLoadFault;
    private final List<ModelId> loads = new ArrayList<>();
    private Generation load = new Generation(Flux.empty(), Mono.empty());
    private Generation generation = new Generation(Flux.just(END), Mono.empty());

    // --- limits, model, system prompt

    @Test
    void generatesNothingBeforeTheEventsAreSubscribedTo() {
        TestPublisher<List<ChatEvent>> events = TestPublisher.create();
        TestPublisher<Void> closed = TestPublisher.create();
        generation = new Generation(events.flux(), closed.mono());

        ChatService service = service();

        StepVerifier.create(service.answer(
                        ANN,
                        decisions::add,
                        next -> next.apply(call((model, queued, answer) -> Mono.empty(), QUESTION))))
                .expectComplete()
                .verify(TIMEOUT);

        assertThat(generated).isEmpty();
        events.assertWasNotSubscribed();
        closed.assertWasNotSubscribed();
        assertThat(acquireFails(service)).isFalse();
    }

    @Test
    void passesTheResolvedModelToTheResponder() {
        List<ModelId> models = new ArrayList<>();

        succeed(call((model, queued, events) -> events.then(Mono.fromRunnable(() -> models.add(model))), QUESTION));

        assertThat(models).containsExactly(new ModelId("m"));
    }

    @Test
    void changesNoMessagesWithoutASystemPrompt() {
        assertThat(sent(QUESTION)).containsExactly(QUESTION);
    }

    @Test
    void putsTheSystemPromptFirst() {
        prompts = new PromptCatalog(List.of(), new SystemPrompt("Be kind."));

        assertThat(sent(QUESTION)).containsExactly(new Message(Role.SYSTEM, "Be kind."), QUESTION);
    }

    @Test
    void keepsTheCallersSystemMessage() {
        prompts = new PromptCatalog(List.of(), new SystemPrompt("Be kind."));

        assertThat(sent(OWN_SYSTEM, QUESTION)).containsExactly(OWN_SYSTEM, QUESTION);
    }

    @Test
    void putsTheNamedPromptFirstInsteadOfTheConfiguredOne() {
        prompts = new PromptCatalog(
                List.of(new Prompt("p", 1, new PromptTemplate("Say {{word}}."))), new SystemPrompt("Be kind."));

        assertThat(sent(prompt("x"), QUESTION)).containsExactly(new Message(Role.SYSTEM, "Say x."), QUESTION);
        assertThat(sent(prompt("x"), OWN_SYSTEM, QUESTION))
                .containsExactly(
                        new Message(
                                Role.SYSTEM,
                                List.of(
                                        new Part.Text("Say x."),
                                        OWN_SYSTEM.parts().getFirst())),
                        QUESTION);
        assertThat(sent(prompt("x"), QUESTION, OWN_SYSTEM))
                .containsExactly(new Message(Role.SYSTEM, "Say x."), QUESTION, OWN_SYSTEM);
        assertThat(generatedChat().prompt()).isNull();
    }

    @Test
    void countsTheRenderedPrompt() {
        prompts = new PromptCatalog(List.of(new Prompt("p", 1, new PromptTemplate("{{word}}{{word}}"))), null);
        promptLimits = new PromptLimits(1, 8);

        assertThat(sent(prompt("ab"), QUESTION)).hasSize(2);
        generated.clear();
        fail(
                prompted(prompt("abc"), QUESTION),
                new InvalidRequest(
                        "messages", "messages: 10 characters in all messages together (expected: at most 8)"));
        fail(
                prompted(new PromptReference("q", null, Map.of()), QUESTION),
                new InvalidRequest("prompt.id", "prompt.id: 'q' (expected: the id of a prompt of this server)"));
        assertThat(generated).isEmpty();
    }

    private List<Message> sent(PromptReference prompt, Message... messages) {
        succeed(prompted(prompt, messages));
        return generatedChat().messages();
    }

    private static ChatCall prompted(PromptReference prompt, Message... messages) {
        ChatRequest request = new ChatRequest(
                List.of(messages),
                GenerationOptions.DEFAULTS,
                List.of(),
                new ToolChoice.Auto(),
                true,
                new ResponseFormat.Text(),
                Thinking.MODEL_DEFAULT,
                prompt);
        return new ChatCall(null, request, READER, Runnable::run);
    }

    private static PromptReference prompt(String word) {
        return new PromptReference("p", null, Map.of("word", word));
    }

    @Test
    void acceptsRequestsAtTheLimits() {
        promptLimits = new PromptLimits(2, 8);

        assertThat(sent(QUESTION, QUESTION)).hasSize(2);
    }

    @Test
    void refusesOneMessageMore() {
        promptLimits = new PromptLimits(2, 100);

        assertRefused("messages: 3 messages (expected: at most 2)", QUESTION, QUESTION, QUESTION);
    }

    @Test
    void refusesOneCharacterMore() {
        promptLimits = new PromptLimits(2, 7);

        assertRefused("messages: 8 characters in all messages together (expected: at most 7)", QUESTION, QUESTION);
    }

    @Test
    void countsTheTextOfAllPartsButNoImages() {
        Message[] messages = {
            new Message(Role.USER, List.of(new Part.Text("12"), new Part.Image("iVBORw0KGgo="), new Part.Text("3"))),
            new Message(Role.ASSISTANT, List.of(new Part.Text("4"), new Part.ToolCall("56", "78", "{}"))),
            new Message(Role.TOOL, List.of(new Part.ToolResult("12", "34", "567")))
        };
        promptLimits = new PromptLimits(3, 17);
        assertThat(sent(messages)).containsExactly(messages);
        generated.clear();

        promptLimits = new PromptLimits(3, 16);
        assertRefused("messages: 17 characters in all messages together (expected: at most 16)", messages);
    }

    @Test
    void countsDefinitionsOfToolsAndTheSchemaOfTheFormat() {
        promptLimits = new PromptLimits(1, 18);
        succeed(new ChatCall(null, withoutDefaults(), READER, Runnable::run));

        promptLimits = new PromptLimits(1, 17);
        fail(
                new ChatCall(null, withoutDefaults(), READER, Runnable::run),
                new InvalidRequest(
                        "messages", "messages: 18 characters in all messages together (expected: at most 17)"));
    }

    @Test
    void keepsAllFieldsOfTheRequest() {
        prompts = new PromptCatalog(List.of(), new SystemPrompt("Be kind."));

        succeed(new ChatCall(null, withoutDefaults(), READER, Runnable::run));

        assertThat(generated.getLast())
                .usingRecursiveComparison()
                .ignoringFields("messages", "options")
                .isEqualTo(withoutDefaults());
        assertThat(generatedChat().messages()).hasSize(2);
    }

    /** No system prompt: it has no roles. */
    @Test
    void capsTheTokensOfACompletionAndChangesNothingElse() {
        prompts = new PromptCatalog(List.of(), new SystemPrompt("Be kind."));

        succeed(completion("12", "345", 50));
        succeed(completion("12", null, 200));

        assertThat(generated)
                .containsExactly(
                        completion("12", "345", 50).request(),
                        completion("12", null, 100).request());
    }

    @Test
    void countsPromptAndSuffixOfACompletion() {
        promptLimits = new PromptLimits(1, 5);
        succeed(completion("12", "345", 1));
        succeed(completion("12345", null, 1));

        promptLimits = new PromptLimits(1, 4);
        fail(
                completion("12", "345", 1),
                new InvalidRequest("prompt", "prompt: 5 characters, with the suffix (expected: at most 4)"));
        assertThat(generated).hasSize(2);
    }

    private static ChatCall completion(String prompt, @Nullable String suffix, int maxTokens) {
        GenerationOptions options =
                new GenerationOptions(null, null, null, null, null, null, null, maxTokens, List.of("a"), null, 2);
        return new ChatCall(null, new CompletionRequest(prompt, suffix, options), READER, Runnable::run);
    }

    /** A request in which no field has its default. */
    private static ChatRequest withoutDefaults() {
        return new ChatRequest(
                List.of(QUESTION),
                GenerationOptions.DEFAULTS,
                List.of(new ToolDefinition("12", "345", "{}"), new ToolDefinition("6", null, "{}")),
                new ToolChoice.None(),
                false,
                new ResponseFormat.JsonSchema("true"),
                Thinking.LOW);
    }

    @Test
    void appliesTheModelsDefaultOfThinking() {
        ChatRequest request = new ChatRequest(List.of(QUESTION), GenerationOptions.DEFAULTS);

        succeed(new ChatCall(new ModelId("sober"), request, READER, Runnable::run));

        assertThat(generatedChat().thinking()).isEqualTo(Thinking.OFF);
    }

    @ParameterizedTest
    @CsvSource({",100", "99,99", "100,100", "101,100"})
    void limitsTheTokensOfAnAnswer(@Nullable Integer requested, int sent) {
        GenerationOptions options = options(requested);

        succeed(new ChatCall(null, new ChatRequest(List.of(QUESTION), options), READER, Runnable::run));

        assertThat(generated.getLast().options()).isEqualTo(options(sent));
    }

    private static GenerationOptions options(@Nullable Integer maxTokens) {
        return new GenerationOptions(0.1, 0.2, 3, 0.4, 0.5, 0.6, 0.7, maxTokens, List.of("stop"), 7L, 8);
    }

    // --- charge

    @Test
    void chargesBeforeItDecodes() {
        rateLimiter = limiter(2);
        List<Integer> decisionsBefore = new ArrayList<>();

        StepVerifier.create(service().answer(ANN, decisions::add, answer -> {
                    decisionsBefore.add(decisions.size());
                    return Mono.error(new IllegalStateException("no JSON"));
                }))
                .expectErrorMessage("no JSON")
                .verify(TIMEOUT);

        assertThat(decisionsBefore).containsExactly(1);
        assertThat(decisions).containsExactly(new RateDecision(true, 2, 1, Duration.ofSeconds(10), Duration.ZERO));
    }

    @Test
    void decodesNothingBeyondTheRateLimit() {
        rateLimiter = limiter(1);
        ChatService service = service();
        AtomicInteger decoded = new AtomicInteger();
        ChatDecoder decoder = answer -> {
            decoded.incrementAndGet();
            return answer.apply(call(READER, QUESTION));
        };
        StepVerifier.create(service.answer(ANN, decisions::add, decoder))
                .expectComplete()
                .verify(TIMEOUT);

        StepVerifier.create(service.answer(ANN, decisions::add, decoder))
                .expectErrorMatches(failed(new RateLimited(Duration.ofSeconds(10))))
                .verify(TIMEOUT);

        assertThat(decoded).hasValue(1);
        assertThat(decisions).extracting(RateDecision::allowed).containsExactly(true, false);
    }

    @Test
    void chargesForEachSubscription() {
        rateLimiter = limiter(3);
        Mono<Void> answer = service().answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION)));
        assertThat(decisions).isEmpty();

        StepVerifier.create(answer.then(answer)).expectComplete().verify(TIMEOUT);

        assertThat(decisions).extracting(RateDecision::remaining).containsExactly(2, 1);
    }

    static Stream<LlmFailure> failures() {
        return EveryFailure.stream();
    }

    @ParameterizedTest
    @MethodSource("failures")
    void refundsARequestForWhichThereIsNoCapacity(LlmFailure failure) {
        rateLimiter = limiter(2);
        generation = new Generation(Flux.error(new LlmException(failure)), Mono.empty());

        fail(call(READER, QUESTION), failure);

        assertThat(decisions)
                .extracting(RateDecision::remaining)
                .isEqualTo(NO_CAPACITY.contains(failure.getClass()) ? List.of(1, 2) : List.of(1));
    }

    @Test
    void refundsNothingIfTheClientItselfUsedTheCapacity() {
        rateLimiter = limiter(2);
        LlmFailure failure = new Overloaded("your own", true);
        generation = new Generation(Flux.error(new LlmException(failure)), Mono.empty());

        fail(call(READER, QUESTION), failure);

        assertThat(decisions).extracting(RateDecision::remaining).containsExactly(1);
    }

    /** The responder has sent the failure in its response. */
    @Test
    void refundsNothingOnceTheResponseHasStarted() {
        rateLimiter = limiter(2);
        generation = new Generation(
                Flux.just(WORD).concatWith(Flux.error(new LlmException(new UpstreamUnavailable("away")))),
                Mono.empty());

        succeed(call((model, queued, events) -> events.onErrorComplete().then(), QUESTION));

        assertThat(decisions).extracting(RateDecision::remaining).containsExactly(1);
    }

    @Test
    void reportsNoDecisionWithoutARateLimit() {
        succeed(call(READER, QUESTION));

        assertThat(decisions).isEmpty();
    }

    // --- admit

    @Test
    void admitsUpToTheLimitAndRefundsTheNext() {
        rateLimiter = limiter(2);
        generation = new Generation(Flux.never(), Mono.never());
        ChatService service = service();
        Disposable running = start(service, READER);

        StepVerifier.create(service.answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION))))
                .expectErrorMatches(e -> e instanceof LlmException refused && refused.failure() instanceof Overloaded)
                .verify(TIMEOUT);

        assertThat(decisions).extracting(RateDecision::remaining).containsExactly(1, 0, 1);
        running.dispose();
    }

    /** The limit must be reported even if the circuit is open. */
    @Test
    void sendsNoRequestAtTheLimit() {
        generation = new Generation(Flux.never(), Mono.never());
        ChatService service = service();
        Disposable running = start(service, READER);
        generation = new Generation(Flux.error(new LlmException(new UpstreamUnavailable("open"))), Mono.empty());

        assertThat(acquireFails(service)).isTrue();

        assertThat(generated).hasSize(1);
        running.dispose();
    }

    @Test
    void holdsAPermitUntilTheExchangeIsClosed() {
        Map<String, Flux<List<ChatEvent>>> ends = Map.of(
                "cancelled", Flux.never(),
                "complete", Flux.just(WORD, END),
                "failed", Flux.error(new LlmException(new UpstreamFailed("broken"))));
        ends.forEach((end, events) -> {
            Sinks.Empty<Void> closed = Sinks.empty();
            generation = new Generation(events, closed.asMono());
            ChatService service = service();
            start(service, READER).dispose();
            assertThat(acquireFails(service)).as(end).isTrue();

            closed.tryEmitEmpty().orThrow();

            generation = new Generation(Flux.never(), Mono.never());
            assertThat(acquireFails(service)).as(end).isFalse();
            assertThat(acquireFails(service)).as(end + ", released once").isTrue();
        });
    }

    @Test
    void releasesThePermitEvenIfClosedFails() {
        generation = new Generation(Flux.never(), Mono.error(new IllegalStateException("broken")));
        ChatService service = service();

        start(service, READER);

        assertThat(acquireFails(service)).isFalse();
    }

    /** Earlier, {@code closed} would complete at once, because no exchange is open. */
    @Test
    void subscribesToClosedAfterTheEvents() {
        List<String> order = new ArrayList<>();
        generation = new Generation(
                Flux.<List<ChatEvent>>never().doFirst(() -> order.add("events")),
                Mono.<Void>never().doFirst(() -> order.add("closed")));

        start(service(), READER).dispose();

        assertThat(order).containsExactly("events", "closed");
    }

    @Test
    void takesNoPermitIfNoGenerationOpens() {
        openFault = new IllegalStateException("closed");
        ChatService service = service();

        StepVerifier.create(service.answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION))))
                .expectErrorMessage("closed")
                .verify(TIMEOUT);

        openFault = null;
        generation = new Generation(Flux.never(), Mono.never());
        assertThat(acquireFails(service)).isFalse();
    }

    @Test
    void generatesForOneSubscriberOnly() {
        generation = new Generation(Flux.never(), Mono.never());
        ChatService service = service(2);
        ChatResponder twice =
                (model, queued, events) -> Flux.merge(events, events).then();

        StepVerifier.create(service.answer(ANN, decisions::add, next -> next.apply(call(twice, QUESTION))))
                .expectErrorMatches(error -> error instanceof IllegalStateException
                        && error.getMessage().equals("subscribers: 2 (expected: 1)"))
                .verify(TIMEOUT);

        assertThat(generated).hasSize(1);
        assertThat(acquireFails(service)).isFalse();
        assertThat(acquireFails(service)).isTrue();
    }

    @Test
    void waitsForAPermitAndTellsThePlace() {
        Sinks.Empty<Void> closed = Sinks.empty();
        generation = new Generation(Flux.never(), closed.asMono());
        ChatService service = service(queue(3, 1, 2));
        start(service, READER);
        List<@Nullable Place> places = new ArrayList<>();
        generation = new Generation(Flux.just(END), Mono.empty());
        ChatResponder responder = (model, queued, events) -> {
            places.add(queued.place());
            return events.then(Mono.fromRunnable(() -> places.add(queued.place())));
        };

        StepVerifier.create(service.answer(ANN, decisions::add, next -> next.apply(call(responder, QUESTION))))
                .then(() -> assertThat(generated).hasSize(1))
                .then(() -> closed.tryEmitEmpty().orThrow())
                .expectComplete()
                .verify(TIMEOUT);

        assertThat(generated).hasSize(2);
        assertThat(places).containsExactly(new Place(1, null, false), null);
    }

    /** Else the start and the caller's cancel could race. */
    @Test
    void startsAfterEachWaitOnTheCallersThread() {
        TestPublisher<List<ChatEvent>> loading = load();
        List<Runnable> tasks = new ArrayList<>();
        FairQueue queue = queue(3, 1, 2);
        ChatService service = service(queue);
        Disposable first = start(service, READER);
        service.answer(
                        ANN,
                        decisions::add,
                        next -> next.apply(new ChatCall(
                                null,
                                new ChatRequest(List.of(QUESTION), GenerationOptions.DEFAULTS),
                                READER,
                                tasks::add)))
                .subscribe(nothing -> {}, fault -> {});

        first.dispose();
        loading.complete();
        assertThat(generated).isEmpty();
        tasks.removeFirst().run();
        assertThat(generated).hasSize(1);
        queue.report(Set.of());
        assertThat(tasks).isEmpty();
    }

    @Test
    void startsAfterALoadOnTheCallersThread() {
        TestPublisher<List<ChatEvent>> loading = load();
        List<Runnable> tasks = new ArrayList<>();
        ChatCall call =
                new ChatCall(null, new ChatRequest(List.of(QUESTION), GenerationOptions.DEFAULTS), READER, tasks::add);
        FairQueue queue = queue(1, 1, 0);
        Disposable request = service(queue)
                .answer(ANN, decisions::add, next -> next.apply(call))
                .subscribe(nothing -> {}, fault -> {});

        loading.complete();

        assertThat(tasks).hasSize(1);
        assertThat(generated).isEmpty();
        request.dispose(); // between the end of the load and the start
        tasks.removeFirst().run();
        assertThat(generated).isEmpty();
        assertThat(queue.running()).isZero();
    }

    @Test
    void failsWhenTheWaitTakesTooLong() {
        generation = new Generation(Flux.never(), Mono.never());
        FairQueue queue = queue(3, 1, 2);
        ChatService service = service(queue);
        start(service, READER);

        StepVerifier.withVirtualTime(
                        () -> service.answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION))))
                .expectSubscription()
                .expectNoEvent(QUEUE_TIMEOUT.minusMillis(1))
                .thenAwait(Duration.ofMillis(1))
                .expectErrorMatches(
                        failed(new DeadlineExceeded(Deadline.QUEUE, "The request has waited for 30 s in the queue.")))
                .verify(TIMEOUT);

        assertThat(queue.waiting()).isZero();
        assertThat(generated).hasSize(1);
    }

    @Test
    void leavesTheQueueWhenItIsCancelled() {
        generation = new Generation(Flux.never(), Mono.never());
        FairQueue queue = queue(4, 1, 3);
        ChatService service = service(queue);
        start(service, READER);
        Disposable waiting = start(service, READER);
        Disposable cancelsItsEvents = start(service, (model, queued, events) -> {
            events.subscribe().dispose();
            return Mono.never();
        });
        assertThat(queue.waiting()).isEqualTo(1);

        waiting.dispose();

        assertThat(queue.waiting()).isZero();
        assertThat(queue.running()).isOne();
        cancelsItsEvents.dispose();
        assertThat(generated).hasSize(1);
    }

    @Test
    void failsWhenTheQueueIsShutDown() {
        generation = new Generation(Flux.never(), Mono.never());
        FairQueue queue = queue(3, 1, 2);
        ChatService service = service(queue);
        start(service, READER);

        StepVerifier.create(service.answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION))))
                .then(queue::shutDown)
                .expectErrorMatches(failed(new ShuttingDown()))
                .verify(TIMEOUT);

        assertThat(queue.running()).isOne();
    }

    @Test
    void takesNoPermitForARequestThatIsRefused() {
        generation = new Generation(Flux.never(), Mono.never());
        promptLimits = new PromptLimits(1, 100);
        ChatService service = service();

        StepVerifier.create(service.answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION, QUESTION))))
                .expectError(LlmException.class)
                .verify(TIMEOUT);

        assertThat(acquireFails(service)).isFalse();
    }

    // --- loads

    @Test
    void loadsAModelOnce() {
        ChatService service = service();

        succeed(service);
        succeed(service);

        assertThat(loads).containsExactly(new ModelId("m"));
    }

    @Test
    void generatesWhenTheModelIsLoaded() {
        TestPublisher<List<ChatEvent>> loading = load();
        List<@Nullable Place> places = new ArrayList<>();
        ChatResponder responder = (model, queued, events) ->
                events.doOnSubscribe(subscription -> places.add(queued.place())).then();

        StepVerifier.create(service().answer(ANN, decisions::add, next -> next.apply(call(responder, QUESTION))))
                .then(() -> assertThat(generated).isEmpty())
                .then(loading::complete)
                .expectComplete()
                .verify(TIMEOUT);

        assertThat(places).containsExactly(new Place(0, null, true));
        assertThat(generated).hasSize(1);
    }

    @Test
    void failsIfTheModelCannotBeLoaded() {
        load = new Generation(Flux.error(new LlmException(new UpstreamFailed("no memory"))), Mono.empty());
        ChatService service = service();

        fail(service, new UpstreamFailed("no memory"));
        assertThat(generated).isEmpty();

        load = new Generation(Flux.empty(), Mono.empty());
        succeed(service); // the permit is free
        assertThat(loads).hasSize(2);
    }

    @Test
    void sharesOneLoad() {
        TestPublisher<List<ChatEvent>> loading = load();
        ChatService service = service(queue(2, 2, 0));
        start(service, READER);
        start(service, READER);
        assertThat(loads).hasSize(1);
        assertThat(generated).isEmpty();

        loading.complete();

        assertThat(generated).hasSize(2);
    }

    @Test
    void sharesALoadThatItsFirstRequestHasLeft() {
        TestPublisher<List<ChatEvent>> loading = load();
        ChatService service = service(queue(3, 3, 0));
        Disposable first = start(service, READER);
        start(service, READER);
        first.dispose();
        start(service, READER);
        assertThat(loads).hasSize(1);

        loading.complete();

        assertThat(generated).hasSize(2);
    }

    @Test
    void sharesTheFailureOfALoad() {
        TestPublisher<List<ChatEvent>> loading = load();
        FairQueue queue = queue(2, 2, 0);
        ChatService service = service(queue);
        start(service, READER);
        start(service, READER);

        loading.error(new LlmException(new UpstreamFailed("no memory")));

        assertThat(generated).isEmpty();
        assertThat(queue.running()).isZero();
    }

    @Test
    void abortsALoadThatNobodyWaitsFor() {
        TestPublisher<List<ChatEvent>> loading = TestPublisher.create();
        Sinks.Empty<Void> closed = Sinks.empty();
        load = new Generation(loading.flux(), closed.asMono());
        FairQueue queue = queue(2, 2, 0);
        ChatService service = service(queue);
        Disposable first = start(service, READER);
        Disposable second = start(service, READER);

        first.dispose();
        loading.assertNotCancelled();
        second.dispose();
        loading.assertCancelled();

        assertThat(queue.running()).isEqualTo(2); // until the exchange is closed
        closed.tryEmitEmpty().orThrow();
        assertThat(queue.running()).isZero();
        assertThat(generated).isEmpty();
    }

    @Test
    void loadsAgainAfterAnAbortedLoad() {
        load();
        ChatService service = service(queue(2, 2, 0));
        start(service, READER).dispose();
        assertThat(loads).hasSize(1);

        TestPublisher<List<ChatEvent>> second = load();
        start(service, READER);
        second.complete();

        assertThat(loads).hasSize(2);
        assertThat(generated).hasSize(1);
    }

    @Test
    void loadsAgainAfterTheModelServerHasUnloadedTheModel() {
        FairQueue queue = queue(1, 1, 0);
        ChatService service = service(queue);
        succeed(service);

        queue.report(Set.of());
        succeed(service);

        assertThat(loads).hasSize(2);
    }

    @Test
    void abortsALoadWhenTheLastThatWaitsForItLeavesTheQueue() {
        TestPublisher<List<ChatEvent>> loading = load();
        FairQueue queue = queue(3, 1, 2);
        ChatService service = service(queue);
        Disposable first = start(service, READER);
        Disposable second = start(service, READER);
        Disposable third = start(service, READER);
        first.dispose();
        second.dispose();
        loading.assertNotCancelled();

        third.dispose();

        loading.assertCancelled();
        assertThat(queue.running()).isZero();
        assertThat(queue.loaded()).isEmpty();
    }

    @Test
    void abortsALoadThatOnlyRefusedRequestsWaitFor() {
        TestPublisher<List<ChatEvent>> loading = load();
        FairQueue queue = queue(2, 1, 1);
        ChatService service = service(queue);
        Disposable first = start(service, READER);
        start(service, READER);
        first.dispose();

        queue.shutDown();

        loading.assertCancelled();
    }

    @Test
    void remembersALoadThatTheRequestHasLeft() {
        TestPublisher<List<ChatEvent>> loading = load();
        FairQueue queue = queue(2, 1, 1);
        ChatService service = service(queue);
        Disposable leaves = start(service, READER);
        start(service, READER);
        leaves.dispose();

        loading.complete();

        assertThat(loads).hasSize(1); // the second request generates at once
        assertThat(generated).hasSize(1);
    }

    @Test
    void freesThePermitOfAFailedLoadWhenItsExchangeIsClosed() {
        Sinks.Empty<Void> closed = Sinks.empty();
        load = new Generation(Flux.error(new LlmException(new UpstreamFailed("no memory"))), closed.asMono());
        FairQueue queue = queue(2, 1, 1);
        start(service(queue), READER);
        assertThat(queue.running()).isOne();

        closed.tryEmitEmpty().orThrow();

        assertThat(queue.running()).isZero();
    }

    @Test
    void freesThePermitIfTheLoadCannotBeOpened() {
        openLoadFault = new IllegalStateException("broken");
        FairQueue queue = queue(2, 1, 1);

        start(service(queue), READER);

        assertThat(queue.running()).isZero();
    }

    @Test
    void refusesARequestThatTheModelServerCannotServeWithoutALoad() {
        openFault = new LlmException(new InvalidRequest("tools", "no"));
        FairQueue queue = queue(2, 1, 1);

        fail(service(queue), new InvalidRequest("tools", "no"));

        assertThat(loads).isEmpty();
        assertThat(queue.running()).isZero();
    }

    @Test
    void refusesARequestThatTheModelServerCannotServeWithoutAWait() {
        generation = new Generation(Flux.never(), Mono.never());
        FairQueue queue = queue(2, 1, 0);
        ChatService service = service(queue);
        start(service, READER);
        assertThat(queue.running()).isEqualTo(1);

        openFault = new LlmException(new InvalidRequest("tools", "no"));
        fail(service, new InvalidRequest("tools", "no"));

        assertThat(queue.waiting()).isZero();
    }

    @Test
    void freesThePermitOfAnAbortedLoadEvenIfClosedFails() {
        load = new Generation(Flux.never(), Mono.error(new IllegalStateException("broken")));
        FairQueue queue = queue(1, 1, 0);

        start(service(queue), READER).dispose();

        assertThat(queue.running()).isZero();
    }

    @Test
    void doesNotAbortALoadThatOthersWaitFor() {
        TestPublisher<List<ChatEvent>> loading = TestPublisher.create();
        Sinks.Empty<Void> closed = Sinks.empty();
        load = new Generation(loading.flux(), closed.asMono());
        FairQueue queue = queue(2, 1, 1);
        ChatService service = service(queue);
        Disposable leaves = start(service, READER);
        start(service, READER);

        leaves.dispose();

        loading.assertNotCancelled();
        assertThat(queue.waiting()).isOne();
        loading.complete();
        assertThat(queue.waiting()).isOne();
        closed.tryEmitEmpty().orThrow();
        assertThat(queue.waiting()).isZero();
        assertThat(generated).hasSize(1);
    }

    @Test
    void loadsAModelApartFromCallers() {
        TestPublisher<List<ChatEvent>> loading = load();
        FairQueue queue = queue(2, 1, 1);
        ChatService service = service(queue);
        StepVerifier.create(service.load(new ClientId("warm-up"), new ModelId("m")))
                .then(() -> start(service, READER))
                .then(() -> assertThat(queue.waiting()).isOne())
                .then(loading::complete)
                .expectComplete()
                .verify(TIMEOUT);

        assertThat(generated).hasSize(1);
        assertThat(loads).hasSize(1);
        assertThat(queue.running()).isZero();
        StepVerifier.create(service.load(new ClientId("warm-up"), new ModelId("m")))
                .expectComplete()
                .verify(TIMEOUT);
        assertThat(queue.running()).isZero();
        assertThat(loads).hasSize(1);
    }

    @Test
    void failsIfALoadApartFromCallersFails() {
        load = new Generation(Flux.error(new LlmException(new UpstreamFailed("no memory"))), Mono.empty());
        FairQueue queue = queue(2, 1, 1);

        StepVerifier.create(service(queue).load(new ClientId("warm-up"), new ModelId("m")))
                .expectErrorMatches(failed(new UpstreamFailed("no memory")))
                .verify(TIMEOUT);

        assertThat(queue.running()).isZero();
        assertThat(queue.loaded()).isEmpty();
    }

    private TestPublisher<List<ChatEvent>> load() {
        TestPublisher<List<ChatEvent>> loading = TestPublisher.create();
        load = new Generation(loading.flux(), Mono.empty());
        return loading;
    }

    private void succeed(ChatService service) {
        StepVerifier.create(service.answer(ANN, decisions::add, answer -> answer.apply(call(READER, QUESTION))))
                .expectComplete()
                .verify(TIMEOUT);
    }

    private void fail(ChatService service, LlmFailure failure) {
        StepVerifier.create(service.answer(ANN, decisions::add, answer -> answer.apply(call(READER, QUESTION))))
                .expectErrorMatches(failed(failure))
                .verify(TIMEOUT);
    }

    private void assertRefused(String message, Message... messages) {
        fail(call(READER, messages), new InvalidRequest("messages", message));
        assertThat(generated).isEmpty();
    }

    private List<Message> sent(Message... messages) {
        succeed(call(READER, messages));
        return generatedChat().messages();
    }

    private void succeed(ChatCall call) {
        StepVerifier.create(service().answer(ANN, decisions::add, answer -> answer.apply(call)))
                .expectComplete()
                .verify(TIMEOUT);
    }

    private void fail(ChatCall call, LlmFailure failure) {
        StepVerifier.create(service().answer(ANN, decisions::add, answer -> answer.apply(call)))
                .expectErrorMatches(failed(failure))
                .verify(TIMEOUT);
    }

    private static Predicate<Throwable> failed(LlmFailure failure) {
        return error -> error instanceof LlmException e && e.failure().equals(failure);
    }

    /** Tries to acquire a permit and holds it. True if the limit is reached. */
    private boolean acquireFails(ChatService service) {
        List<Throwable> faults = new ArrayList<>();
        service.answer(ANN, decisions::add, next -> next.apply(call(READER, QUESTION)))
                .subscribe(nothing -> {}, faults::add);
        return faults.stream().anyMatch(e -> e instanceof LlmException f && f.failure() instanceof Overloaded);
    }

    private Disposable start(ChatService service, ChatResponder responder) {
        return service.answer(ANN, decisions::add, next -> next.apply(call(responder, QUESTION)))
                .subscribe(nothing -> {}, fault -> {});
    }

    private static ChatCall call(ChatResponder responder, Message... messages) {
        return new ChatCall(
                null, new ChatRequest(List.of(messages), GenerationOptions.DEFAULTS), responder, Runnable::run);
    }

    private static RateLimiter limiter(int burst) {
        return new RateLimiter(new RateLimit(6, burst), null, 10, () -> 0);
    }

    private ChatService service() {
        return service(1);
    }

    private ChatRequest generatedChat() {
        return (ChatRequest) generated.getLast();
    }

    private ChatService service(int permits) {
        return service(queue(permits, permits, 0));
    }

    private static FairQueue queue(int requests, int parallel, int waitingPerClient) {
        return new FairQueue(
                new QueueLimits(
                        requests,
                        waitingPerClient,
                        parallel,
                        Map.of(),
                        Map.of(),
                        QUEUE_TIMEOUT,
                        Duration.ofSeconds(20)),
                () -> 0);
    }

    private ChatService service(FairQueue queue) {
        return new ChatService(
                new Charging(rateLimiter),
                promptLimits,
                new ModelDirectory(Mono::never, AllowedModels.ALL, new ModelId("m")),
                () -> prompts,
                100,
                new DefaultThinking(Map.of(new ModelId("sober"), Thinking.OFF)),
                queue,
                new ChatModel() {
                    @Override
                    public Generation open(ModelId model, GenerationRequest request) {
                        if (openFault != null) {
                            throw openFault;
                        }
                        Generation opened = generation;
                        return new Generation(
                                opened.events().doOnSubscribe(subscription -> generated.add(request)), opened.closed());
                    }

                    @Override
                    public Generation load(ModelId model) {
                        if (openLoadFault != null) {
                            throw openLoadFault;
                        }
                        loads.add(model);
                        return load;
                    }
                });
    }
}
