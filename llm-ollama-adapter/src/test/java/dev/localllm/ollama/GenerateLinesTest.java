package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.TokenLogprob;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is different in the lines of /api/generate. */
class GenerateLinesTest {

    private static final String TEXT =
            "{\"model\":\"tiny\",\"created_at\":\"2026-11-23T08:41:33Z\",\"response\":\"%s\",\"done\":false}\n";
    private static final String THINKING = TEXT.replace("%s", "%s\",\"thinking\":\"%s");
    private static final String END =
            "{\"model\":\"tiny\",\"response\":\"\",\"done\":true,\"context\":[%s],\"eval_count\":2}\n";
    private static final Finished STOP = new Finished(FinishReason.STOP, new Usage(0, null, 2), Timings.ZERO);

    private final LineDecoder decoder = new LineDecoder(LineFormat.GENERATE, true);

    @Test
    void decodesTheLinesOfOneRead() {
        assertThat(decode(TEXT.formatted("On")
                        + THINKING.formatted("", "hm")
                        + THINKING.formatted("b", "hm")
                        + TEXT.formatted("")
                        + END.formatted("1,2")))
                .containsExactly(text("On"), thinking("hm"), thinking("hm"), text("b"), STOP);
        assertThat(ended()).isNull();
    }

    /** The text of a parsed line is escaped again. */
    @Test
    void sharesTheEscapedTextOfPlainLines() {
        assertThat(decode(TEXT.formatted("\\u003ce") + THINKING.formatted("", "\\u003ce")))
                .extracting(event -> event instanceof TextDelta delta
                        ? delta.text().quoted()
                        : ((ThinkingDelta) event).text().quoted())
                .containsExactly("\"\\u003ce\"", "\"\\u003ce\"");
    }

    @Test
    void decodesUnusualLinesLikeAnyOther() {
        String unusual = "{\"response\":\"a\", \"thinking\":\"hm\"}\n";

        assertThat(decode(unusual + unusual)).containsExactly(thinking("hm"), text("a"), thinking("hm"), text("a"));
    }

    @Test
    void decodesLogprobsBeforeTheirText() {
        String line =
                "{\"response\":\"O\",\"done\":false,\"logprobs\":[{\"token\":\"O\",\"logprob\":-1,\"bytes\":[79]}]}\n";

        assertThat(decode(line))
                .containsExactly(
                        new LogprobsDelta(List.of(new TokenLogprob("O", -1, List.of(79), List.of()))), text("O"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "not JSON | Ollama sent a line that is not a JSON line of /api/generate.",
                "{\"message\":{\"content\":\"a\"}} | Ollama sent a line without a response."
            })
    void endsAtAnInvalidLine(String line, String detail) {
        assertThat(decode(TEXT.formatted("a") + line + "\n" + TEXT.formatted("b")))
                .containsExactly(text("a"));
        assertThat(ended()).isEqualTo(new UpstreamProtocol(detail));
    }

    /** A context has no bound: it is longer than any line may be. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 4096})
    void keepsNothingOfAContextThatIsReadInPieces(int size) {
        String numbers = "1234567890,".repeat(100_000);
        ByteBuf body =
                Unpooled.copiedBuffer(TEXT.formatted("On") + END.formatted(numbers + "0"), StandardCharsets.UTF_8);
        List<ChatEvent> events = new ArrayList<>();

        while (body.isReadable()) {
            events.addAll(decoder.decode(body.readSlice(Math.min(size, body.readableBytes()))));
        }

        assertThat(body.writerIndex()).isGreaterThan(LineDecoder.MAX_LINE_BYTES);
        assertThat(events).containsExactly(text("On"), STOP);
        assertThat(ended()).isNull();
    }

    /** Every cut is between two bytes that the decoder may have to keep. */
    @ParameterizedTest
    @ValueSource(strings = {"a,", "1", ",", "\\\"context\\\":[1", "]", "\\\\"})
    void keepsAllElseOfAnIncompleteLine(String token) {
        String line = TEXT.formatted(token);
        List<ChatEvent> expected = decode(line);
        for (int cut = 1; cut < line.length(); cut++) {
            List<ChatEvent> events = new ArrayList<>(decode(line.substring(0, cut)));
            events.addAll(decode(line.substring(cut)));
            assertThat(events).as("cut at %s", cut).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"response\":\"a\",\"context\":[", ",\"context\":["})
    void skipsAContextWhereverItBegins(String start) {
        assertThat(decode(start)).isEmpty();
        assertThat(decode("1".repeat(LineDecoder.MAX_LINE_BYTES + 1))).isEmpty();
        assertThat(decoder.failure()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "0,9"})
    void keepsNumbersWithoutAContext(String numbers) {
        assertThat(decode(numbers)).isEmpty();
        assertThat(decode("{\"response\":\"a\"}\n")).hasSize(numbers.isEmpty() ? 1 : 0);
        assertThat(decoder.failure() == null).isEqualTo(numbers.isEmpty());
    }

    /** Text that looks like numbers is not part of a context that ended. */
    @Test
    void skipsNumbersInsideAContextOnly() {
        assertThat(decode("{\"context\":[1,2")).isEmpty();
        assertThat(decode(",3],\"response\":\"")).isEmpty();
        assertThat(decode("12,3\"}\n")).containsExactly(text("12,3"));
    }

    @Test
    void skipsTheContextAfterAnotherLine() {
        assertThat(decode(TEXT.formatted("a") + "{\"response\":\"b\",\"context\":["))
                .containsExactly(text("a"));
        assertThat(decode("9")).isEmpty();
        assertThat(decode("0/")).isEmpty();
        assertThat(decode("]}\n")).isEmpty();
        assertThat(ended())
                .isEqualTo(new UpstreamProtocol("Ollama sent a line that is not a JSON line of /api/generate."));
    }

    /** Arguments of a call may have a field of that name. */
    @Test
    void skipsNoContextOfAChat() {
        LineDecoder chat = new LineDecoder(LineFormat.CHAT, true);
        String call =
                "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1,\"context\":[1,2";

        assertThat(chat.decode(Unpooled.copiedBuffer(call, StandardCharsets.UTF_8)))
                .isEmpty();
        assertThat(chat.decode(Unpooled.copiedBuffer(",3]}}}]}}\n", StandardCharsets.UTF_8)))
                .singleElement()
                .asString()
                .contains("{\"a\":1,\"context\":[1,2,3]}");
    }

    private List<ChatEvent> decode(String read) {
        return decoder.decode(Unpooled.copiedBuffer(read, StandardCharsets.UTF_8));
    }

    /** The failure after the end, which has no more events. */
    private @Nullable LlmFailure ended() {
        assertThat(decoder.end()).isEmpty();
        return decoder.failure();
    }

    private static TextDelta text(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static ThinkingDelta thinking(String text) {
        return new ThinkingDelta(JsonText.of(text));
    }
}
