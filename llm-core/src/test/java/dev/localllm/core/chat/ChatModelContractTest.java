package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink.OverflowStrategy;

/** Models that break the contract are found out. */
class ChatModelContractTest {

    private static final List<ChatEvent> WORD = List.of(new TextDelta(JsonText.of("word ")));
    private static final Flux<List<ChatEvent>> ANSWER = Flux.just(WORD, WORD, WORD, WORD)
            .concatWithValues(List.of(new Finished(FinishReason.LENGTH, new Usage(1, 4))));

    @Test
    void acceptsAModelThatMindsDemand() throws InterruptedException {
        askOneByOne(ANSWER);
        askOneByOne(ANSWER.delayElements(Duration.ofMillis(1)));
    }

    @Test
    void findsAModelThatDeliversAllAtOnce() {
        assertOverflowIsFound(ignoringDemand(ANSWER));
    }

    @Test
    void findsAModelThatDeliversAllAsItComes() {
        assertOverflowIsFound(ignoringDemand(ANSWER.delayElements(Duration.ofMillis(1))));
    }

    @Test
    void isNotSatisfiedByAnAnswerThatIsTooShortToShowIt() {
        assertThatThrownBy(() -> askOneByOne(ANSWER.skip(3)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("list 3");
    }

    @SuppressWarnings("JUnitMethodInvoked") // the contract's test is what is tested here
    private static void askOneByOne(Flux<List<ChatEvent>> answer) throws InterruptedException {
        contractOf(answer).deliversNoMoreThanIsAskedFor();
    }

    private static void assertOverflowIsFound(Flux<List<ChatEvent>> answer) {
        assertThatThrownBy(() -> askOneByOne(answer))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("more than 1");
    }

    private static Flux<List<ChatEvent>> ignoringDemand(Flux<List<ChatEvent>> answer) {
        return Flux.create(
                sink -> sink.onDispose(answer.subscribe(sink::next, sink::error, sink::complete)),
                OverflowStrategy.IGNORE);
    }

    private static ChatModelContract contractOf(Flux<List<ChatEvent>> answer) {
        return new ChatModelContract() {
            @Override
            protected ChatModel chatModel() {
                return (model, request) -> answer;
            }

            @Override
            protected ModelId model() {
                return new ModelId("m");
            }

            @Override
            protected Duration patience() {
                return Duration.ofSeconds(5);
            }
        };
    }
}
