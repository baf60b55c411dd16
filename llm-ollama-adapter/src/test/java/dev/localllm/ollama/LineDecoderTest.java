package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.TokenLogprob;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LineDecoderTest {

    private static final String TEXT =
            "{\"model\":\"tiny\",\"created_at\":\"2026-11-23T08:41:32Z\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}\n";
    private static final String THINKING = TEXT.replace("%s", "%s\",\"thinking\":\"%s");
    private static final String END = "{\"message\":{\"content\":\"\"},\"done\":true}\n";
    private static final Finished STOP = new Finished(FinishReason.STOP, new Usage(0, null, 0), Timings.ZERO);
    private static final UpstreamProtocol NO_END = new UpstreamProtocol("Ollama's response ended without done.");

    private final LineDecoder decoder = new LineDecoder(LineFormat.CHAT, true);

    @Test
    void decodesTextLinesOfOneRead() {
        assertThat(decode(TEXT.formatted("On") + TEXT.formatted("") + TEXT.formatted("\\u003ce") + END))
                .containsExactly(text("On"), text("<e"), STOP);
        assertThat(ended()).isNull();
    }

    /** The text of a parsed line is escaped again. */
    @Test
    void sharesTheEscapedTextOfEveryTextLine() {
        String line = TEXT.formatted("\\u003ce");

        assertThat(decode(line + line))
                .extracting(event -> ((TextDelta) event).text().quoted())
                .containsExactly("\"\\u003ce\"", "\"\\u003ce\"");
    }

    @Test
    void sharesTheEscapedTextOfEveryThinkingLine() {
        String line = THINKING.formatted("", "\\u003ce");

        assertThat(decode(line + line))
                .extracting(event -> ((ThinkingDelta) event).text().quoted())
                .containsExactly("\"\\u003ce\"", "\"\\u003ce\"");
    }

    @Test
    void decodesThinkingBeforeTextOfOneLine() {
        assertThat(decode(THINKING.formatted("a", "hm") + THINKING.formatted("b", "") + THINKING.formatted("", "")))
                .containsExactly(new ThinkingDelta(JsonText.of("hm")), text("a"), text("b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"hm\",\"thinking\":\"hm", "hm\",\"more\":\"hm", "hm\\"})
    void decodesUnusualThinkingLinesLikeAnyOther(String thinking) {
        String line = THINKING.formatted("a", thinking);
        List<ChatEvent> events = decode(line.substring(0, line.length() - 1) + " \n");

        assertThat(decode(line)).isEqualTo(events);
    }

    /** The call is complete, whatever the model does then. */
    @Test
    void endsAnAnswerOfOneCallAfterTheCall() {
        String call =
                "{\"message\":{\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]}}\n";
        String end = "{\"message\":{\"content\":\"c\"},\"done\":true,\"done_reason\":\"length\",\"eval_count\":9}\n";
        byte[] lines = (TEXT.formatted("a") + call + TEXT.formatted("b") + THINKING.formatted("", "hm") + call + end)
                .getBytes(StandardCharsets.UTF_8);

        assertThat(new LineDecoder(LineFormat.CHAT, false).decode(Unpooled.wrappedBuffer(lines)))
                .containsExactly(
                        text("a"),
                        new ToolCallDelta(0, new Part.ToolCall("1", "f", "{}")),
                        new Finished(FinishReason.TOOL_CALLS, new Usage(0, null, 9), Timings.ZERO));
    }

    @Test
    void decodesOtherLinesOfOneRead() {
        String line = "{\"message\":{\"thinking\":\"hm\"}}\n";

        assertThat(decode(line + line + END))
                .containsExactly(new ThinkingDelta(JsonText.of("hm")), new ThinkingDelta(JsonText.of("hm")), STOP);
    }

    @Test
    void decodesThinkingBeforeText() {
        assertThat(decode("{\"message\":{\"thinking\":\"hm\",\"content\":\"a\"}}\n"))
                .containsExactly(new ThinkingDelta(JsonText.of("hm")), text("a"));
        assertThat(decode("{\"message\":{\"thinking\":\"\"}}\n")).isEmpty();
    }

    @Test
    void decodesUsageAndTimings() {
        assertThat(decode("{\"message\":{},\"done\":true,\"done_reason\":\"stop\",\"load_duration\":1,"
                        + "\"prompt_eval_count\":2,\"prompt_eval_cached_count\":3,\"prompt_eval_duration\":4,"
                        + "\"eval_count\":5,\"eval_duration\":6}\n"))
                .containsExactly(new Finished(
                        FinishReason.STOP,
                        new Usage(2, 3, 5),
                        new Timings(Duration.ofNanos(1), Duration.ofNanos(4), Duration.ofNanos(6))));
    }

    @ParameterizedTest
    @CsvSource({"stop,false,STOP", "stop,true,TOOL_CALLS", "length,true,LENGTH"})
    void finishesWithTheReason(String reason, boolean called, FinishReason expected) {
        String calls = called ? "\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]" : "";
        List<ChatEvent> events =
                decode("{\"message\":{" + calls + "},\"done\":true,\"done_reason\":\"" + reason + "\"}\n");

        assertThat(events.getLast())
                .isInstanceOfSatisfying(
                        Finished.class, end -> assertThat(end.reason()).isEqualTo(expected));
    }

    @Test
    void decodesCallsOfSeveralLines() {
        String line = "{\"message\":{\"tool_calls\":[%s]}}\n";

        assertThat(decode(line.formatted(call("a")) + line.formatted(call("b") + "," + call("c")) + END))
                .containsExactly(
                        new ToolCallDelta(0, new Part.ToolCall("a", "f", "{}")),
                        new ToolCallDelta(1, new Part.ToolCall("b", "f", "{}")),
                        new ToolCallDelta(2, new Part.ToolCall("c", "f", "{}")),
                        new Finished(FinishReason.TOOL_CALLS, new Usage(0, null, 0), Timings.ZERO));
    }

    @Test
    void decodesOneCallIfCallsAreNotParallel() {
        LineDecoder one = new LineDecoder(LineFormat.CHAT, false);
        String line = "{\"message\":{\"tool_calls\":[" + call("a") + "," + call("b") + "]}}\n";
        String end = END.replace("}\n", ",\"prompt_eval_count\":3,\"eval_count\":5}\n");

        assertThat(one.decode(Unpooled.copiedBuffer(line + line + end, StandardCharsets.UTF_8)))
                .containsExactly(
                        new ToolCallDelta(0, new Part.ToolCall("a", "f", "{}")),
                        new Finished(FinishReason.TOOL_CALLS, new Usage(3, null, 5), Timings.ZERO));
    }

    private static String call(String id) {
        return "{\"id\":\"" + id + "\",\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{}}}";
    }

    @Test
    void endsAtAnInvalidCall() {
        assertThat(decode("{\"message\":{\"content\":\"a\",\"tool_calls\":[{}]},\"done\":true}\n"))
                .containsExactly(text("a"));
        assertThat(ended()).isEqualTo(new UpstreamProtocol("Ollama sent a tool call without a function."));
    }

    @Test
    void decodesLogprobsBeforeTheirText() {
        String token = "{\"token\":\"%s\",\"logprob\":-0.5,\"bytes\":[79]%s}";
        String alternative = token.formatted("P", "");
        String line = withLogprobs(
                "\"content\":\"O\"",
                token.formatted("O", ",\"top_logprobs\":[" + alternative + "]") + "," + alternative);
        TokenLogprob other = new TokenLogprob("P", -0.5, List.of(79), List.of());

        assertThat(decode(line))
                .containsExactly(
                        new LogprobsDelta(List.of(new TokenLogprob("O", -0.5, List.of(79), List.of(other)), other)),
                        text("O"));
    }

    @Test
    void decodesLogprobsOfTheLastLine() {
        String line = withLogprobs("\"content\":\"O\"", "{\"token\":\"O\",\"logprob\":-1,\"bytes\":[79]}");

        assertThat(decode(line.replace("false", "true")))
                .containsExactly(
                        new LogprobsDelta(List.of(new TokenLogprob("O", -1, List.of(79), List.of()))), text("O"), STOP);
    }

    /** Each token is a half of a character. */
    @Test
    void keepsTheBytesOfPartsOfCharacters() {
        String half = "{\"token\":\"\ufffd\",\"logprob\":-1,\"bytes\":[%s]}";

        assertThat(decode(withLogprobs("\"content\":\"é\"", half.formatted("195") + "," + half.formatted("169"))))
                .containsExactly(
                        new LogprobsDelta(List.of(
                                new TokenLogprob("\ufffd", -1, List.of(195), List.of()),
                                new TokenLogprob("\ufffd", -1, List.of(169), List.of()))),
                        text("é"));
    }

    @ParameterizedTest
    @CsvSource({"'é', 195 169", "'',"})
    void takesMissingBytesFromTheToken(String token, @Nullable String bytes) {
        List<Integer> expected = bytes == null
                ? List.of()
                : Stream.of(bytes.split(" ")).map(Integer::valueOf).toList();

        assertThat(decode(withLogprobs("\"content\":\"a\"", "{\"token\":\"" + token + "\",\"logprob\":-1}")))
                .containsExactly(
                        new LogprobsDelta(List.of(new TokenLogprob(token, -1, expected, List.of()))), text("a"));
    }

    @Test
    void decodesNoLogprobsOfThinkingNorOfHiddenText() {
        String token = "{\"token\":\"a\",\"logprob\":-1,\"bytes\":[97]}";

        assertThat(decode(withLogprobs("\"thinking\":\"a\"", token)
                        + withLogprobs("\"content\":\"\"", token)
                        + withLogprobs("\"content\":\"b\",\"thinking\":\"a\"", token)
                        + withLogprobs("\"content\":\"c\"", "")))
                .containsExactly(
                        new ThinkingDelta(JsonText.of("a")), new ThinkingDelta(JsonText.of("a")), text("b"), text("c"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "{}",
                "{\"token\":null}",
                "{\"token\":\"a\",\"bytes\":[null]}",
                "{\"token\":\"a\",\"top_logprobs\":[null]}",
                "{\"token\":\"a\",\"top_logprobs\":[{}]}"
            })
    void endsAtInvalidLogprobs(String token) {
        assertThat(decode(withLogprobs("\"content\":\"a\"", token))).isEmpty();
        assertThat(ended()).isEqualTo(new UpstreamProtocol("Ollama sent a line that is not a JSON line of /api/chat."));
    }

    private static String withLogprobs(String message, String tokens) {
        return "{\"message\":{" + message + "},\"done\":false,\"logprobs\":[" + tokens + "]}\n";
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "not JSON | Ollama sent a line that is not a JSON line of /api/chat.",
                "{} | Ollama sent a line without a message.",
                "{\"message\":{},\"done\":true,\"done_reason\":\"load\"} | Ollama generated nothing (done_reason load).",
                "{\"message\":{},\"done\":true,\"done_reason\":\"unload\"} | Ollama generated nothing (done_reason unload)."
            })
    void endsAtAnInvalidLine(String line, String detail) {
        assertThat(decode(TEXT.formatted("a") + line + "\n" + TEXT.formatted("b")))
                .containsExactly(text("a"));
        assertThat(ended()).isEqualTo(new UpstreamProtocol(detail));
    }

    @Test
    void endsAtAnErrorLine() {
        assertThat(decode(TEXT.formatted("a") + "{\"error\":\"out of memory\"}\n" + END))
                .containsExactly(text("a"));
        assertThat(ended()).isEqualTo(new UpstreamFailed("Ollama failed: out of memory"));
    }

    @Test
    void cutsALongError() {
        assertThat(decode("{\"error\":\"" + "a".repeat(3000) + "\"}\n")).isEmpty();

        assertThat(ended()).isEqualTo(new UpstreamFailed("Ollama failed: " + "a".repeat(2000) + "…"));
    }

    @Test
    void decodesNothingAfterTheLastLine() {
        assertThat(decode(END + TEXT.formatted("a"))).containsExactly(STOP);
        assertThat(decode(TEXT.formatted("b"))).isEmpty();
        assertThat(ended()).isNull();
    }

    @Test
    void decodesALastLineWithoutALineBreak() {
        assertThat(decode(TEXT.formatted("a"))).hasSize(1);
        assertThat(decode(END.strip())).isEmpty();

        assertThat(decoder.end()).containsExactly(STOP);
        assertThat(decoder.failure()).isNull();
    }

    @Test
    void requiresALastLine() {
        assertThat(decode(TEXT.formatted("a"))).hasSize(1);

        assertThat(ended()).isEqualTo(NO_END);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void keepsAnIncompleteLineUpToAMebibyte(int more) {
        String start = "{\"message\":{\"content\":\"";
        assertThat(decode(start)).isEmpty();
        assertThat(decode("x".repeat((1 << 20) - start.length() + more))).isEmpty();

        assertThat(decoder.failure())
                .isEqualTo(more == 0 ? null : new UpstreamProtocol("Ollama sent a line of more than 1048576 bytes."));
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
}
