package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Signal;
import reactor.test.StepVerifier;
import reactor.test.subscriber.TestSubscriber;

/**
 * The contract of {@link ChatModel}. It applies to any model that can chat, thinking models included, and so does not
 * check the generated text.
 */
public abstract class ChatModelContract {

    /** Enough tokens for a greeting after some thinking. */
    private static final int GREETING_TOKENS = 512;

    /** Enough tokens for more than two lists, even with many tokens per read. */
    private static final int STORY_TOKENS = 256;

    /** Long enough not to match the markup around a model's thinking, such as {@code </think>}. */
    private static final int STOP_CHARACTERS = 6;

    protected abstract ChatModel chatModel();

    /** An existing model that can chat. */
    protected abstract ModelId model();

    /** Timeout of one answer; longer than the implementation's own timeouts, so that those take effect first. */
    protected abstract Duration timeout();

    @Test
    void endsWithOneFinishedAndNothingAfterIt() {
        List<List<ChatEvent>> batches = batches(ask("Say hello.", GREETING_TOKENS, List.of()));
        List<ChatEvent> events = flat(batches);

        assertThat(batches).allSatisfy(batch -> assertThat(batch).isNotEmpty());
        assertThat(events).filteredOn(Finished.class::isInstance).hasSize(1);
        assertThat(events.getLast()).isInstanceOf(Finished.class);
        assertGreets(events);
    }

    @Test
    void reportsUsage() {
        Usage usage = finished(ask("Say hello.", 24, List.of())).usage();

        assertThat(usage.promptTokens()).isPositive();
        assertThat(usage.completionTokens()).isBetween(1, 24);
    }

    @Test
    void stopsAtTheTokenLimit() {
        Finished end = finished(ask("Tell me a story of 500 words.", 3, List.of()));

        assertThat(end.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(end.usage().completionTokens()).isLessThanOrEqualTo(3);
    }

    /** Stop sequences end the thinking, too. Trailing spaces before the stop may be missing. */
    @Test
    void stopsBeforeAStopSequence() {
        List<ChatEvent> complete = flat(batches(ask("Tell me a story.", 32, List.of())));
        String stop = middle(longer(thinking(complete), text(complete)));

        List<ChatEvent> events = flat(batches(ask("Tell me a story.", 32, List.of(stop))));

        String words = words(complete);
        assertThat(words(events).stripTrailing())
                .isEqualTo(words.substring(0, words.indexOf(stop)).stripTrailing());
        assertThat(((Finished) events.getLast()).reason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void generatesOnEachOpen() {
        assertThat(words(flat(batches(ask("Say hello.", 16, List.of())))))
                .isNotEmpty()
                .isEqualTo(words(flat(batches(ask("Say hello.", 16, List.of())))));
    }

    @Test
    void acceptsOneSubscriber() {
        Flux<List<ChatEvent>> answer = ask("Say hello.", 16, List.of());
        batches(answer);

        StepVerifier.create(answer).expectError(IllegalStateException.class).verify(timeout());
    }

    @Test
    void isClosedBeforeSubscription() {
        Generation generation = open("Say hello.", 16);

        awaitClosed(generation);

        assertThat(words(flat(batches(generation.events())))).isNotEmpty();
    }

    @Test
    void isClosedForEverySubscriberAfterTheEnd() {
        Generation generation = open("Say hello.", 16);

        batches(generation.events());

        awaitClosed(generation);
        awaitClosed(generation);
    }

    @Test
    void isClosedAfterAFailure() {
        Generation generation = chatModel().open(new ModelId("no-such-model:7b"), request("Hi", 4, List.of()));

        failure(generation.events());

        awaitClosed(generation);
    }

    /** Also checks that it is not closed before the cancel: without demand the answer can't end. */
    @Test
    void isClosedAfterACancel() throws InterruptedException {
        Generation generation = open("Tell me a story of 2000 words.", STORY_TOKENS);
        BlockingQueue<Signal<List<ChatEvent>>> delivered = new LinkedBlockingQueue<>();
        TestSubscriber<Signal<List<ChatEvent>>> subscriber =
                TestSubscriber.builder().initialRequest(1).build();
        generation.events().materialize().doOnNext(delivered::add).subscribe(subscriber);
        AtomicInteger closings = new AtomicInteger();
        generation.closed().subscribe(nothing -> {}, fault -> {}).dispose(); // must not affect other subscribers
        generation.closed().subscribe(nothing -> {}, fault -> {}, closings::incrementAndGet);
        try {
            next(delivered);
            batches(ask("Say hello.", 16, List.of()));
            assertThat(closings).as("closed while it is open").hasValue(0);
        } finally {
            subscriber.cancel();
        }
        awaitClosed(generation);
    }

    @Test
    void isClosedAfterACancelBeforeItsFirstEvent() {
        Generation generation = open("Tell me a story of 2000 words.", STORY_TOKENS);

        generation.events().subscribe().dispose();

        awaitClosed(generation);
    }

    /**
     * Receives a second answer completely in between: meanwhile, a first answer that ignores demand would deliver more.
     */
    @Test
    void deliversNoMoreThanRequested() throws InterruptedException {
        BlockingQueue<Signal<List<ChatEvent>>> delivered = new LinkedBlockingQueue<>();
        TestSubscriber<Signal<List<ChatEvent>>> subscriber =
                TestSubscriber.builder().initialRequest(1).build();
        open("Tell me a story of 2000 words.", STORY_TOKENS)
                .events()
                .materialize()
                .doOnNext(delivered::add)
                .subscribe(subscriber);
        try {
            for (int lists = 1; lists <= 2; lists++) {
                assertThat(next(delivered).hasValue()).as("list " + lists).isTrue();
                batches(open("Tell me a story of 2000 words.", STORY_TOKENS).events());
                assertThat(delivered).as("more than " + lists).isEmpty();
                subscriber.request(1);
            }
            assertThat(next(delivered).hasValue()).as("list 3").isTrue();
        } finally {
            subscriber.cancel();
        }
    }

    @Test
    void failsForAnUnknownModel() {
        ModelId absent = new ModelId("no-such-model:7b");

        assertThat(failure(chatModel().open(absent, request("Hi", 4, List.of())).events()))
                .isEqualTo(new UnknownModel("no-such-model:7b"));
    }

    @Test
    void loadsAModelAgainAndAgain() {
        for (int i = 0; i < 2; i++) {
            Generation load = chatModel().load(model());

            assertThat(batches(load.events())).isEmpty();

            awaitClosed(load);
        }
    }

    @Test
    void failsToLoadAnUnknownModel() {
        Generation load = chatModel().load(new ModelId("no-such-model:7b"));

        assertThat(failure(load.events())).isEqualTo(new UnknownModel("no-such-model:7b"));

        awaitClosed(load);
    }

    @Test
    void isClosedAfterALoadIsCancelled() {
        Generation load = chatModel().load(model());

        load.events().subscribe().dispose();

        awaitClosed(load);
    }

    @Test
    void refusesAPromptThatIsTooLongWithoutTruncatingIt() {
        String tooLong = "word ".repeat(600_000);

        assertThat(failure(ask(tooLong, 4, List.of()))).isInstanceOf(ContextLengthExceeded.class);
    }

    @Test
    void preservesKoreanAndEmoji() {
        assertGreets(flat(batches(ask("한국어로 인사해 주세요 🙂", GREETING_TOKENS, List.of()))));
    }

    protected final Flux<List<ChatEvent>> ask(String prompt, int maxTokens, List<String> stop) {
        return chatModel().open(model(), request(prompt, maxTokens, stop)).events();
    }

    private Generation open(String prompt, int maxTokens) {
        return chatModel().open(model(), request(prompt, maxTokens, List.of()));
    }

    /** Also asserts that {@code closed} does not fail. */
    private void awaitClosed(Generation generation) {
        StepVerifier.create(generation.closed()).expectComplete().verify(timeout());
    }

    /** A request for text; a chat unless a subclass says otherwise. */
    protected GenerationRequest request(String prompt, GenerationOptions options) {
        return new ChatRequest(List.of(new Message(Role.USER, prompt)), options);
    }

    private GenerationRequest request(String prompt, int maxTokens, List<String> stop) {
        return request(
                prompt, new GenerationOptions(0.0, null, null, null, null, null, null, maxTokens, stop, 7L, null));
    }

    protected final LlmFailure failure(Flux<List<ChatEvent>> answer) {
        LlmFailure[] failure = new LlmFailure[1];
        StepVerifier.create(answer)
                .thenConsumeWhile(events -> true)
                .consumeErrorWith(error -> failure[0] = ((LlmException) error).failure())
                .verify(timeout());
        return failure[0];
    }

    protected final List<List<ChatEvent>> batches(Flux<List<ChatEvent>> answer) {
        return answer.collectList().blockOptional(timeout()).orElseThrow();
    }

    protected static List<ChatEvent> flat(List<List<ChatEvent>> batches) {
        return batches.stream().flatMap(List::stream).toList();
    }

    private static String text(List<ChatEvent> events) {
        return joined(
                events, event -> event instanceof TextDelta delta ? delta.text().toString() : "");
    }

    private static String thinking(List<ChatEvent> events) {
        return joined(
                events,
                event -> event instanceof ThinkingDelta delta ? delta.text().toString() : "");
    }

    private static String words(List<ChatEvent> events) {
        return thinking(events) + text(events);
    }

    private static String joined(List<ChatEvent> events, Function<ChatEvent, String> piece) {
        return events.stream().map(piece).collect(Collectors.joining());
    }

    /** Accepts an answer without text if thinking has used all tokens. */
    private static void assertGreets(List<ChatEvent> events) {
        boolean cut = ((Finished) events.getLast()).reason() == FinishReason.LENGTH;
        assertThat(cut ? words(events) : text(events)).isNotBlank();
        assertThat(words(events)).doesNotContain("\uFFFD");
    }

    private static String longer(String a, String b) {
        return a.length() > b.length() ? a : b;
    }

    private static String middle(String text) {
        int from = (text.length() - STOP_CHARACTERS) / 2;
        return text.substring(from, from + STOP_CHARACTERS);
    }

    private Signal<List<ChatEvent>> next(BlockingQueue<Signal<List<ChatEvent>>> delivered) throws InterruptedException {
        Signal<List<ChatEvent>> next = delivered.poll(timeout().toMillis(), TimeUnit.MILLISECONDS);
        return Objects.requireNonNull(next, "nothing more came");
    }

    private Finished finished(Flux<List<ChatEvent>> answer) {
        return (Finished) flat(batches(answer)).getLast();
    }
}
