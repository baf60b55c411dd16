package dev.localllm.api.openai.response;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.admission.Place;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.TokenLogprob;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import org.springframework.http.MediaType;

/** Compares bytes with the files beside this class, because SDKs parse this output and check its order. */
class EventEncoderTest {

    private static final FailureResponse FAILURE = FailureResponse.of(new ShuttingDown());

    private @Nullable String mismatch;
    private final EventEncoder encoder = encoder("{\"input\":\"Hi\"}");

    @Test
    void writesText() throws IOException {
        EventEncoder repeating = encoder("""
                {"input":"Hi","instructions":"Be \\"brief\\".","max_output_tokens":9,"parallel_tool_calls":false,
                "temperature":0.5,"top_p":0.9,"text":{"format":{"type":"json_object"}},"tool_choice":"none",
                "reasoning":{"effort":"low","summary":"auto"},"user":"me","metadata":{"output":"[]"},
                "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}]}""");

        assertThat(encoded(repeating, text("안녕"), text("\n\""), end(FinishReason.STOP)))
                .isEqualTo(file("text"));
    }

    @Test
    void writesTheSameHoweverTheEventsArrive() {
        ChatEvent[] events = {thinking("Hm"), text("a"), call("1", "f"), text("b"), end(FinishReason.STOP)};
        StringBuilder single = new StringBuilder();
        for (ChatEvent event : events) {
            single.append(encoded(encoder, event));
        }

        assertThat(single.toString()).isEqualTo(encoded(encoder("{\"input\":\"Hi\"}"), events));
    }

    @Test
    void writesThinkingAsASummary() throws IOException {
        assertThat(encoded(encoder, thinking("Hm"), thinking("m."), text("Hi"), end(FinishReason.STOP)))
                .isEqualTo(file("reasoning"));
    }

    @Test
    void writesCalls() throws IOException {
        assertThat(encoded(encoder, text("Wait"), call("1", "f"), call("2", "g"), end(FinishReason.TOOL_CALLS)))
                .isEqualTo(file("tools"));
    }

    @Test
    void tellsThatAnAnswerIsCut() throws IOException {
        assertThat(encoded(encoder, thinking("Hm"), text("Hi"), end(FinishReason.LENGTH)))
                .isEqualTo(file("cut"));
    }

    @Test
    void endsAFailedStreamWithWhatArrived() throws IOException {
        assertThat(encoded(encoder, call("1", "f"), text("Hi")) + string(encoder.failure(FAILURE)))
                .isEqualTo(file("failed"));
    }

    /** Heartbeats have committed the response. */
    @Test
    void beginsAResponseThatFailsBeforeItsFirstEvent() throws IOException {
        assertThat(string(encoder.failure(FAILURE))).isEqualTo(file("failed-at-once"));
    }

    @Test
    void hasNoItemsIfNothingArrived() {
        assertThat(encoded(encoder, end(FinishReason.STOP)))
                .contains("\"sequence_number\":2,\"response\":{\"id\":\"resp_1\"")
                .contains("\"status\":\"completed\"")
                .doesNotContain("output_item");
        assertThat(encoded(encoder("{\"input\":\"Hi\"}"), call("1", "f"), end(FinishReason.LENGTH)))
                .contains("\"type\":\"response.incomplete\"")
                .doesNotContain("\"status\":\"incomplete\",\"call_id\"");
    }

    @Test
    void writesLogprobs() {
        TokenLogprob alternative = new TokenLogprob("b", -2, List.of(98), List.of());
        String a = "{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97],\"top_logprobs\":["
                + "{\"token\":\"b\",\"logprob\":-2.0,\"bytes\":[98]}]}";
        String c = "{\"token\":\"c\",\"logprob\":-1.0,\"bytes\":[99],\"top_logprobs\":[]}";

        String written = encoded(
                encoder,
                new LogprobsDelta(List.of(new TokenLogprob("a", -0.5, List.of(97), List.of(alternative)))),
                text("a"),
                text("b"),
                new LogprobsDelta(List.of(new TokenLogprob("c", -1, List.of(99), List.of()))),
                text("c"),
                end(FinishReason.STOP));

        assertThat(written)
                .contains("\"delta\":\"a\",\"logprobs\":[" + a + "]}\n\n")
                .contains("\"delta\":\"b\",\"logprobs\":[]}\n\n")
                .contains("\"delta\":\"c\",\"logprobs\":[" + c + "]}\n\n")
                .contains("\"text\":\"abc\",\"logprobs\":[]}\n\n")
                .contains("\"text\":\"abc\",\"annotations\":[],\"logprobs\":[]}}\n\n");
    }

    @Test
    void tellsASchemaMismatchInTheLastEvent() {
        mismatch = "/a: type";

        assertThat(encoded(encoder, text("a"), end(FinishReason.STOP)))
                .containsOnlyOnce("\"truncation\":\"disabled\",\"schema_mismatch\":\"/a: type\",\"instructions\":null");
    }

    @Test
    void numbersAllEvents() {
        List<ChatEvent> events = new ArrayList<>();
        for (int i = 0; i < 1200; i++) {
            events.add(i % 3 == 0 ? thinking("a") : i % 3 == 1 ? text("b") : call("call_" + i, "f"));
        }
        events.add(end(FinishReason.STOP));

        List<Integer> numbers = Pattern.compile("\"sequence_number\":(\\d+),")
                .matcher(encoded(encoder, events.toArray(ChatEvent[]::new)))
                .results()
                .map(match -> Integer.valueOf(match.group(1)))
                .toList();

        assertThat(numbers).hasSize(3 + 400 * (6 + 6 + 4));
        for (int i = 0; i < numbers.size(); i++) {
            assertThat(numbers.get(i)).isEqualTo(i);
        }
    }

    @Test
    void refusesToKeepTooMuchText() {
        encoder.encode(List.of(text("a".repeat(1 << 20))));
        encoder.encode(List.of(call("1", "f")));

        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> encoder.encode(List.of(text("b"))))
                .satisfies(e -> assertThat(e.failure()).isInstanceOf(Overloaded.class));

        assertThat(string(encoder.failure(FAILURE)).substring(0, 85))
                .isEqualTo(
                        "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":12,\"response");
    }

    @Test
    void keepsAStreamAliveWithComments() {
        assertThat(encoder.contentType()).isEqualTo(MediaType.TEXT_EVENT_STREAM);
        assertThat(string(encoder.heartbeat(null))).isEqualTo(": waiting\n\n");
        assertThat(string(encoder.heartbeat(new Place(0, null, true)))).isEqualTo(": loading model=tiny\n\n");
        assertThat(encoded(encoder, text("a"))).startsWith("event: response.created\n");
    }

    @Test
    void releasesABufferThatCouldNotBeFilled() {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
        EventEncoder breaking = new EventEncoder(
                states("{\"input\":\"Hi\"}"), new ModelId("tiny"), new NettyDataBufferFactory(allocator));
        List<ChatEvent> broken = new AbstractList<>() {
            @Override
            public ChatEvent get(int index) {
                throw new IllegalStateException("broken");
            }

            @Override
            public int size() {
                return 2;
            }
        };

        assertThatIllegalStateException()
                .isThrownBy(() -> breaking.encode(broken))
                .withMessage("broken");

        assertThat(allocator.metric().usedHeapMemory()).isZero();
    }

    private EventEncoder encoder(String request) {
        return new EventEncoder(states(request), new ModelId("tiny"), DefaultDataBufferFactory.sharedInstance);
    }

    private ResponseStates states(String request) {
        return TestAnswers.states(request, () -> mismatch);
    }

    private static String encoded(EventEncoder encoder, ChatEvent... events) {
        return string(encoder.encode(List.of(events)));
    }

    private static ChatEvent text(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static ChatEvent thinking(String text) {
        return new ThinkingDelta(JsonText.of(text));
    }

    private static ChatEvent call(String id, String function) {
        return new ToolCallDelta(0, new Part.ToolCall(id, function, "{\"q\":\"a\"}"));
    }

    private static Finished end(FinishReason reason) {
        return TestAnswers.end(reason);
    }

    private static String string(@Nullable DataBuffer buffer) {
        return Objects.requireNonNull(buffer).toString(StandardCharsets.UTF_8);
    }

    private static String file(String name) throws IOException {
        try (InputStream file = Objects.requireNonNull(EventEncoderTest.class.getResourceAsStream(name + ".sse"))) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
