package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink.OverflowStrategy;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The contract detects models that break it. */
class ChatModelContractTest {

    private static final List<ChatEvent> WORD = List.of(new TextDelta(JsonText.of("word ")));
    private static final Flux<List<ChatEvent>> ANSWER = Flux.just(WORD, WORD, WORD, WORD)
            .concatWithValues(List.of(new Finished(FinishReason.LENGTH, new Usage(1, null, 4), Timings.ZERO)));

    @Test
    void acceptsAModelThatRespectsDemand() throws InterruptedException {
        askOneByOne(ANSWER);
        askOneByOne(ANSWER.delayElements(Duration.ofMillis(1)));
    }

    @Test
    void detectsAModelThatDeliversEverythingAtOnce() {
        assertDetectsOverflow(ignoringDemand(ANSWER));
    }

    @Test
    void detectsAModelThatIgnoresDemand() {
        assertDetectsOverflow(ignoringDemand(ANSWER.delayElements(Duration.ofMillis(1))));
    }

    @Test
    void rejectsAnAnswerThatIsTooShortForTheCheck() {
        assertThatThrownBy(() -> askOneByOne(ANSWER.skip(3)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("list 3");
    }

    @Test
    void acceptsAModelWhoseClosedCompletes() throws InterruptedException {
        checkClosed(ChatModelContractTest::closing);
    }

    @Test
    void detectsAModelThatIsNeverClosed() {
        assertDetectsClosed(() -> new Generation(once(ANSWER), Mono.never()), "timed out");
    }

    @Test
    void detectsAModelThatIsClosedTooEarly() {
        assertDetectsClosed(() -> new Generation(once(ANSWER), Mono.empty()), "closed while it is open");
    }

    @Test
    void detectsAModelWhoseClosedFails() {
        assertDetectsClosed(
                () -> new Generation(once(ANSWER), Mono.error(new IllegalStateException("broken"))), "broken");
    }

    private static void assertDetectsClosed(Supplier<Generation> opened, String message) {
        assertThatThrownBy(() -> checkClosed(opened))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(message);
    }

    @SuppressWarnings("JUnitMethodInvoked") // this tests the contract's tests
    private static void checkClosed(Supplier<Generation> opened) throws InterruptedException {
        ChatModelContract contract = contractOf(opened);
        contract.acceptsOneSubscriber();
        contract.isClosedAfterACancel();
        contract.isClosedForEverySubscriberAfterTheEnd();
        contract.isClosedBeforeSubscription();
        contract.isClosedAfterACancelBeforeItsFirstEvent();
    }

    /** A generation that keeps the contract. */
    private static Generation closing() {
        AtomicBoolean open = new AtomicBoolean();
        Sinks.Empty<Void> closed = Sinks.empty();
        return new Generation(
                once(ANSWER).doOnSubscribe(subscription -> open.set(true)).doFinally(signal -> closed.tryEmitEmpty()),
                Mono.defer(() -> open.get() ? closed.asMono() : Mono.empty()));
    }

    private static Flux<List<ChatEvent>> once(Flux<List<ChatEvent>> answer) {
        AtomicBoolean taken = new AtomicBoolean();
        return Flux.defer(() -> taken.compareAndSet(false, true)
                ? answer
                : Flux.error(new IllegalStateException("subscribers: 2 (expected: 1)")));
    }

    @SuppressWarnings("JUnitMethodInvoked") // this tests the contract's test
    private static void askOneByOne(Flux<List<ChatEvent>> answer) throws InterruptedException {
        contractOf(() -> new Generation(answer, Mono.empty())).deliversNoMoreThanRequested();
    }

    private static void assertDetectsOverflow(Flux<List<ChatEvent>> answer) {
        assertThatThrownBy(() -> askOneByOne(answer))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("more than 1");
    }

    private static Flux<List<ChatEvent>> ignoringDemand(Flux<List<ChatEvent>> answer) {
        return Flux.create(
                sink -> sink.onDispose(answer.subscribe(sink::next, sink::error, sink::complete)),
                OverflowStrategy.IGNORE);
    }

    private static ChatModelContract contractOf(Supplier<Generation> opened) {
        return new ChatModelContract() {
            @Override
            protected ChatModel chatModel() {
                return new ChatModel() {
                    @Override
                    public Generation open(ModelId model, GenerationRequest request) {
                        return opened.get();
                    }

                    @Override
                    public Generation load(ModelId model) {
                        throw new UnsupportedOperationException();
                    }
                };
            }

            @Override
            protected ModelId model() {
                return new ModelId("m");
            }

            @Override
            protected Duration timeout() {
                return Duration.ofSeconds(2);
            }
        };
    }
}
