package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** What every {@link ChatModel} promises. Holds for any model that can chat, so it says nothing of the words. */
public abstract class ChatModelContract {

    /** Long enough for a real model to be loaded. */
    protected static final Duration PATIENCE = Duration.ofMinutes(3);

    protected abstract ChatModel chatModel();

    /** A model that is there and can chat. */
    protected abstract ModelId model();

    @Test
    void endsWithOneFinishedAndNothingAfterIt() {
        List<List<ChatEvent>> batches = batches(ask("Say hello.", 24, List.of()));
        List<ChatEvent> events = flat(batches);

        assertThat(batches).allSatisfy(batch -> assertThat(batch).isNotEmpty());
        assertThat(events).filteredOn(Finished.class::isInstance).hasSize(1);
        assertThat(events.getLast()).isInstanceOf(Finished.class);
        assertThat(text(events)).isNotBlank().doesNotContain("\uFFFD");
    }

    @Test
    void tellsWhatTheAnswerTook() {
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

    @Test
    void stopsBeforeAStopText() {
        String whole = text(flat(batches(ask("Tell me a story.", 32, List.of()))));
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 2);

        List<ChatEvent> events = flat(batches(ask("Tell me a story.", 32, List.of(stop))));

        assertThat(text(events)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(((Finished) events.getLast()).reason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void answersAnewOnEachSubscription() {
        Flux<List<ChatEvent>> answer = ask("Say hello.", 16, List.of());

        assertThat(text(flat(batches(answer)))).isNotEmpty().isEqualTo(text(flat(batches(answer))));
    }

    @Test
    void deliversNoMoreThanIsAskedFor() {
        StepVerifier.create(ask("Tell me a story.", 32, List.of()), 1)
                .expectNextCount(1)
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void failsForAModelThatIsNotThere() {
        ModelId absent = new ModelId("no-such-model:7b");

        assertThat(failure(chatModel().stream(absent, request("Hi", 4, List.of()))))
                .isEqualTo(new UnknownModel("no-such-model:7b"));
    }

    @Test
    void refusesAPromptThatDoesNotFitInsteadOfCuttingIt() {
        String tooLong = "word ".repeat(600_000);

        assertThat(failure(ask(tooLong, 4, List.of()))).isInstanceOf(ContextLengthExceeded.class);
    }

    @Test
    void carriesEveryScriptUnharmed() {
        String text = text(flat(batches(ask("한국어로 인사해 주세요 🙂", 24, List.of()))));

        assertThat(text).isNotBlank().doesNotContain("\uFFFD");
    }

    protected final Flux<List<ChatEvent>> ask(String prompt, int maxTokens, List<String> stop) {
        return chatModel().stream(model(), request(prompt, maxTokens, stop));
    }

    protected static ChatRequest request(String prompt, int maxTokens, List<String> stop) {
        return new ChatRequest(
                List.of(new Message(Role.USER, prompt)),
                new GenerationOptions(0.0, null, maxTokens, stop, 7L, null, null));
    }

    protected static LlmFailure failure(Flux<List<ChatEvent>> answer) {
        LlmFailure[] failure = new LlmFailure[1];
        StepVerifier.create(answer)
                .thenConsumeWhile(events -> true)
                .consumeErrorWith(error -> failure[0] = ((LlmException) error).failure())
                .verify(PATIENCE);
        return failure[0];
    }

    protected static List<List<ChatEvent>> batches(Flux<List<ChatEvent>> answer) {
        return answer.collectList().blockOptional(PATIENCE).orElseThrow();
    }

    protected static List<ChatEvent> flat(List<List<ChatEvent>> batches) {
        return batches.stream().flatMap(List::stream).toList();
    }

    protected static String text(List<ChatEvent> events) {
        StringBuilder text = new StringBuilder();
        for (ChatEvent event : events) {
            if (event instanceof TextDelta delta) {
                text.append(delta.text());
            }
        }
        return text.toString();
    }

    private static Finished finished(Flux<List<ChatEvent>> answer) {
        return (Finished) flat(batches(answer)).getLast();
    }
}
