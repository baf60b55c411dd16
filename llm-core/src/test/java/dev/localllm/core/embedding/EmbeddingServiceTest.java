package dev.localllm.core.embedding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.access.Charging;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.QueueLimits;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.Capability;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimit;
import dev.localllm.core.limit.RateLimiter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

class EmbeddingServiceTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final ClientId ANN = new ClientId("ann");
    private static final ModelId MODEL = new ModelId("m");

    private final FairQueue queue = queue(3, 1, 2);
    private Mono<List<ModelInfo>> catalog = Mono.just(List.of(info(MODEL, Capability.EMBEDDING)));
    private final List<RateDecision> decisions = new ArrayList<>();
    private final List<Embeddings> received = new ArrayList<>();
    private final List<Throwable> faults = new ArrayList<>();
    private final List<Queued> queued = new ArrayList<>();
    private final List<Opened> opened = new ArrayList<>();
    private @Nullable RuntimeException openFault;
    private @Nullable RateLimiter rateLimiter;

    /** An exchange that the test answers and closes. */
    private record Opened(
            ModelId model, EmbeddingRequest request, Sinks.One<Embeddings> answer, Sinks.Empty<Void> closed) {

        void respond() {
            answer.tryEmitValue(embeddings(request.inputs().size())).orThrow();
        }

        void fail(LlmFailure failure) {
            answer.tryEmitError(new LlmException(failure)).orThrow();
        }

        void close() {
            closed.tryEmitEmpty().orThrow();
        }

        void end() {
            respond();
            close();
        }
    }

    @Test
    void embedsOneBatchAfterTheOther() {
        start(service(queue), inputs(70));
        assertThat(opened).hasSize(1);
        opened.get(0).end();
        assertThat(opened).hasSize(2);
        opened.get(1).end();
        opened.get(2).end();

        assertThat(opened).hasSize(3).allMatch(exchange -> exchange.model().equals(MODEL));
        assertThat(opened.stream()
                        .flatMap(exchange -> exchange.request().inputs().stream())
                        .toList())
                .isEqualTo(inputs(70));
        assertThat(received).extracting(batch -> batch.vectors().size()).containsExactly(32, 32, 6);
        assertThat(faults).isEmpty();
        assertThat(queue.running()).isZero();
    }

    @Test
    void opensNothingBeforeTheBatchesAreSubscribedTo() {
        StepVerifier.create(service(queue)
                        .embed(
                                ANN,
                                decisions::add,
                                answer -> answer.apply(call(List.of("a"), (model, entered, batches) -> Mono.empty()))))
                .expectComplete()
                .verify(TIMEOUT);

        assertThat(opened).isEmpty();
        assertThat(queue.running()).isZero();
    }

    @Test
    void passesTheResolvedModelToTheResponder() {
        List<ModelId> models = new ArrayList<>();
        EmbeddingCall call =
                call(List.of("a"), (model, entered, batches) -> Mono.fromRunnable(() -> models.add(model)));

        StepVerifier.create(service(queue).embed(ANN, decisions::add, answer -> answer.apply(call)))
                .expectComplete()
                .verify(TIMEOUT);

        assertThat(models).containsExactly(MODEL);
    }

    @Test
    void failsForAModelThatIsNotAllowed() {
        EmbeddingCall call = new EmbeddingCall(
                new ModelId("other"), new EmbeddingRequest(List.of("a"), null), this::respond, Runnable::run);

        fail(call, new UnknownModel("other"));
    }

    @Test
    void limitsTheCharactersOfEachInput() {
        fail(
                call(List.of("12345", "123456"), this::respond),
                new InvalidRequest("input", "input[1]: 6 characters (expected: at most 5)"));
        assertThat(opened).isEmpty();

        start(service(queue), Collections.nCopies(3, "12345"));
        assertThat(opened).hasSize(1);
    }

    // --- charge

    @Test
    void chargesBeforeItDecodesAndRefundsALackOfCapacity() {
        rateLimiter = new RateLimiter(new RateLimit(6, 2), null, 10, () -> 0);
        EmbeddingService service = service(queue);
        start(service, List.of("a"));
        assertThat(decisions).extracting(RateDecision::remaining).containsExactly(1);

        opened.getFirst().fail(new UpstreamUnavailable("down"));

        assertThat(decisions).extracting(RateDecision::remaining).containsExactly(1, 2);
    }

    // --- admission

    @Test
    void waitsForThePermit() {
        EmbeddingService service = service(queue);
        start(service, List.of("a"));
        start(service, List.of("b"));
        assertThat(opened).hasSize(1);
        assertThat(queue.waiting()).isOne();

        opened.getFirst().end();

        assertThat(opened).hasSize(2);
        assertThat(received).hasSize(1);
    }

    @Test
    void leavesTheQueueWhenItIsCancelled() {
        EmbeddingService service = service(queue);
        start(service, List.of("a"));

        start(service, List.of("b")).dispose();

        assertThat(queue.waiting()).isZero();
        opened.getFirst().end();
        assertThat(opened).hasSize(1);
    }

    @Test
    void refusesMoreThanTheQueueTakes() {
        EmbeddingService service = service(queue(1, 1, 0));
        start(service, List.of("a"));

        start(service, List.of("b"));

        assertThat(faults)
                .singleElement()
                .isInstanceOfSatisfying(
                        LlmException.class, e -> assertThat(e.failure()).isInstanceOf(Overloaded.class));
    }

    @Test
    void refusesTheWaitingAtTheShutdown() {
        EmbeddingService service = service(queue);
        start(service, List.of("a"));
        start(service, List.of("b"));

        service.shutDown();

        assertThat(faults).singleElement().matches(failed(new ShuttingDown()));
        opened.getFirst().end();
        assertThat(received).hasSize(1);
        start(service, List.of("c"));
        assertThat(faults).hasSize(2);
    }

    // --- the permit and the exchange

    @Test
    void keepsThePermitUntilTheExchangeIsClosed() {
        start(service(queue), List.of("a"));
        opened.getFirst().respond();
        assertThat(received).hasSize(1);
        assertThat(queue.running()).isOne();

        opened.getFirst().close();

        assertThat(queue.running()).isZero();
    }

    @Test
    void keepsThePermitAfterACancelUntilTheExchangeIsClosed() {
        Disposable request = start(service(queue), inputs(64));
        opened.getFirst().end();

        request.dispose();

        assertThat(queue.running()).isOne();
        opened.getLast().close();
        assertThat(queue.running()).isZero();
    }

    @Test
    void keepsThePermitAfterAFailureUntilTheExchangeIsClosed() {
        start(service(queue), List.of("a"));

        opened.getFirst().fail(new UpstreamFailed("no"));

        assertThat(faults).singleElement().matches(failed(new UpstreamFailed("no")));
        assertThat(queue.running()).isOne();
        opened.getFirst().close();
        assertThat(queue.running()).isZero();
    }

    @Test
    void keepsThePermitBetweenTwoBatches() {
        start(service(queue), inputs(33));
        opened.getFirst().respond();

        opened.getLast().end();

        assertThat(received).hasSize(2);
        assertThat(queue.running()).as("the first exchange is not closed").isOne();
        opened.getFirst().close();
        assertThat(queue.running()).isZero();
    }

    @Test
    void releasesThePermitEvenIfClosedFails() {
        start(service(queue), List.of("a"));
        opened.getFirst().respond();

        opened.getFirst()
                .closed()
                .tryEmitError(new IllegalStateException("broken"))
                .orThrow();

        assertThat(queue.running()).isZero();
    }

    @Test
    void releasesThePermitIfNoExchangeCanBeOpened() {
        openFault = new IllegalStateException("broken");

        start(service(queue), List.of("a"));

        assertThat(faults).containsExactly(openFault);
        assertThat(queue.running()).isZero();
    }

    /** The client leaves on another thread, just when the next batch begins. */
    @Test
    void opensNoExchangeWithoutAPermit() {
        SharedPermit permit = new SharedPermit(queue.enter(ANN, MODEL));
        assertThat(permit.hold()).isTrue();
        permit.release();
        assertThat(permit.hold()).isTrue();
        permit.release();

        permit.release();

        assertThat(permit.hold()).isFalse();
        assertThat(permit.hold()).isFalse();
    }

    @Test
    void acceptsOneSubscriberOfTheBatches() {
        EmbeddingCall call = call(List.of("a"), (model, entered, batches) -> batches.then(Mono.defer(batches::then)));
        List<Throwable> second = new ArrayList<>();
        service(queue).embed(ANN, decisions::add, answer -> answer.apply(call)).subscribe(nothing -> {}, second::add);

        opened.getFirst().end();

        assertThat(second).singleElement().isInstanceOf(IllegalStateException.class);
        assertThat(opened).hasSize(1);
    }

    // --- what can embed

    @Test
    void learnsWhatCanEmbed() {
        EmbeddingService service = service(queue);
        catalog = Mono.just(List.of(info(MODEL, Capability.EMBEDDING), info(new ModelId("chat"), Capability.CHAT)));
        assertThat(service.isEmbedder(MODEL)).isFalse();

        StepVerifier.create(service.learnEmbedders()).expectComplete().verify(TIMEOUT);

        assertThat(service.isEmbedder(new ModelId("M:latest"))).isTrue();
        assertThat(service.isEmbedder(new ModelId("chat"))).isFalse();
    }

    @Test
    void refusesAModelThatCantEmbedBeforeItIsLoaded() {
        catalog = Mono.just(List.of(info(new ModelId("other"), Capability.EMBEDDING), info(MODEL, Capability.CHAT)));

        fail(
                call(List.of("a"), this::respond),
                new UnsupportedByModel("m", "The model 'm' does not support embeddings.", null));

        assertThat(opened).isEmpty();
        assertThat(queue.loaded()).isEmpty();
    }

    @Test
    void asksOnceForAModelThatCanEmbed() {
        AtomicInteger asked = new AtomicInteger();
        catalog = catalog.doOnSubscribe(subscription -> asked.incrementAndGet());
        EmbeddingService service = service(queue);

        start(service, List.of("a"));
        opened.getFirst().end();
        start(service, List.of("b"));

        assertThat(opened).hasSize(2);
        assertThat(asked).hasValue(1);
    }

    /** The exchange fails then, with the model server's words. */
    @Test
    void triesAModelThatIsNotListed() {
        catalog = Mono.just(List.of());
        start(service(queue), List.of("a"));
        opened.getFirst().end();
        catalog = Mono.error(new LlmException(new UpstreamFailed("no list")));

        start(service(queue), List.of("a"));

        assertThat(opened).hasSize(2);
    }

    private static ModelInfo info(ModelId model, Capability capability) {
        return new ModelInfo(model, Instant.EPOCH, 0, Set.of(capability));
    }

    // --- loads

    @Test
    void takesAModelForLoadedAfterItsFirstBatch() {
        EmbeddingService service = service(queue);
        start(service, inputs(33));
        assertThat(queue.isWorking(MODEL)).isFalse();
        assertThat(queued.getFirst().place()).isNotNull();
        opened.getFirst().end();

        assertThat(queue.isWorking(MODEL)).isTrue();
        assertThat(queued.getFirst().place()).isNull();
        opened.getLast().end();
        start(service, List.of("a"));
        assertThat(queue.isWorking(MODEL)).isTrue();
    }

    @Test
    void takesNoModelForLoadedThatHasFailed() {
        EmbeddingService service = service(queue);
        start(service, List.of("a"));

        opened.getFirst().fail(new UpstreamFailed("no memory"));
        opened.getFirst().close();

        assertThat(queue.loaded()).isEmpty();
    }

    @Test
    void knowsWhatTheModelServerReports() {
        EmbeddingService service = service(queue);

        service.report(Set.of(MODEL, new ModelId("chat")));

        assertThat(queue.loaded()).containsExactlyInAnyOrder("m:latest", "chat:latest");
        start(service, List.of("a"));
        assertThat(queue.isWorking(MODEL)).isTrue();
    }

    @Test
    void countsWhatRunsAndWaits() {
        EmbeddingService service = service(queue);
        assertThat(service.running() + service.waiting()).isZero();
        start(service, List.of("a"));
        start(service, List.of("b"));
        start(service, List.of("c"));

        assertThat(service.running()).isEqualTo(1);
        assertThat(service.waiting()).isEqualTo(2);
    }

    private Disposable start(EmbeddingService service, List<String> inputs) {
        return service.embed(ANN, decisions::add, answer -> answer.apply(call(inputs, this::respond)))
                .subscribe(nothing -> {}, faults::add);
    }

    private void fail(EmbeddingCall call, LlmFailure failure) {
        StepVerifier.create(service(queue).embed(ANN, decisions::add, answer -> answer.apply(call)))
                .expectErrorMatches(failed(failure))
                .verify(TIMEOUT);
    }

    private static Predicate<Throwable> failed(LlmFailure failure) {
        return error -> error instanceof LlmException e && e.failure().equals(failure);
    }

    private Mono<Void> respond(ModelId model, Queued entered, Flux<Embeddings> batches) {
        queued.add(entered);
        return batches.doOnNext(received::add).then();
    }

    private static EmbeddingCall call(List<String> inputs, EmbeddingResponder responder) {
        return new EmbeddingCall(MODEL, new EmbeddingRequest(inputs, null), responder, Runnable::run);
    }

    private static List<String> inputs(int count) {
        return IntStream.range(0, count).mapToObj(String::valueOf).toList();
    }

    private static Embeddings embeddings(int count) {
        return new Embeddings(Collections.nCopies(count, new float[] {1}), count, Duration.ZERO);
    }

    private static FairQueue queue(int requests, int parallel, int waitingPerClient) {
        return new FairQueue(
                new QueueLimits(
                        requests,
                        waitingPerClient,
                        parallel,
                        Map.of(),
                        Map.of(),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(20)),
                () -> 0);
    }

    private EmbeddingService service(FairQueue queue) {
        return new EmbeddingService(
                new Charging(rateLimiter),
                5,
                new ModelDirectory(() -> catalog, new AllowedModels(Map.of(MODEL, MODEL)), null),
                queue,
                (model, request) -> {
                    if (openFault != null) {
                        throw openFault;
                    }
                    Opened exchange = new Opened(model, request, Sinks.one(), Sinks.empty());
                    opened.add(exchange);
                    return new EmbeddingExchange(
                            exchange.answer().asMono(), exchange.closed().asMono());
                });
    }
}
