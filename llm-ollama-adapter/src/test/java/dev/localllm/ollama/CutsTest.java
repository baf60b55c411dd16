package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.JsonText;
import dev.localllm.upstream.Coalescing;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponseDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Recordings give the same events when their bytes are split into two reads at any position, and the first of these
 * events, then a failure, when their end is missing.
 */
class CutsTest {

    private static final List<String> TOKENS =
            List.of("안", "녕하세요", "好", "🙂", "👩‍👩‍👧", "é", " \\u003c\\n\\\"", "\\ud83d\\ude42");

    static Stream<String> answers() {
        return Stream.concat(chats(), completions());
    }

    /** All answers with thinking, tools, images or log probabilities, and some with text. */
    static Stream<String> chats() {
        Stream<String> others = Stream.of(
                "02-chat-num-predict-1",
                "02-chat-stop-sequence",
                "02-chat-format-schema-stream",
                "11-runner-killed-chat-stream");
        return Stream.concat(
                others,
                Recording.of("POST /api/chat ").stream()
                        .filter(name ->
                                name.startsWith("03-") || name.startsWith("04-") || name.startsWith("02-chat-logprobs"))
                        .filter(name -> Recording.load(name).status() == 200));
    }

    static Stream<String> completions() {
        return Recording.of("POST /api/generate ").stream()
                .filter(name -> Recording.load(name).status() == 200);
    }

    @ParameterizedTest
    @MethodSource("answers")
    void decodesTheSameForEverySplit(String name) {
        splitEverywhere(Recording.load(name).response(), format(name));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void failsAfterSomeOfTheEventsIfTheEndIsMissing(String name) {
        byte[] body = trimmed(Recording.load(name));
        List<ChatEvent> complete = decoded(body, body.length, format(name));

        for (int length = 0; length < body.length; length++) {
            assertPrefix(decoded(body, length, format(name)), complete, length);
        }
    }

    /** Never a call of a part of the arguments. */
    @ParameterizedTest
    @MethodSource("chats")
    void forcesNoCallIfTheEndIsMissing(String name) {
        byte[] body = trimmed(Recording.load(name));
        List<ChatEvent> thinking = decoded(body, body.length, LineFormat.CHAT).stream()
                .filter(ThinkingDelta.class::isInstance)
                .toList();

        for (int length = 0; length < body.length; length++) {
            List<ChatEvent> events = new ForcedCall("f").replace(decoded(body, length, LineFormat.CHAT));
            assertPrefix(events, thinking, length);
        }
    }

    private static void assertPrefix(List<ChatEvent> events, List<ChatEvent> complete, int length) {
        assertThat(events).as("%s bytes", length).isEqualTo(complete.subList(0, events.size()));
        assertThat(events).as("%s bytes", length).noneMatch(Finished.class::isInstance);
    }

    /** The body without the last line break. */
    private static byte[] trimmed(Recording recording) {
        return new String(recording.body(), StandardCharsets.UTF_8).strip().getBytes(StandardCharsets.UTF_8);
    }

    /** The events of a body's first bytes. Checks that the decoding failed, unless these are all. */
    private static List<ChatEvent> decoded(byte[] body, int length, LineFormat format) {
        LineDecoder decoder = new LineDecoder(format, true);
        List<ChatEvent> events = new ArrayList<>(decoder.decode(Unpooled.wrappedBuffer(body, 0, length)));
        events.addAll(decoder.end());
        assertThat(decoder.failure() != null || length == body.length)
                .as("%s bytes", length)
                .isTrue();
        return events;
    }

    @ParameterizedTest
    @ValueSource(strings = {"02-chat-stream", "03-think-true", "05-generate-stream", "03-generate-think"})
    void decodesMultiByteTextTheSameForEverySplit(String name) {
        byte[] raw = withMultiByteText(Recording.load(name));
        List<Object> events = splitEverywhere(raw, format(name));
        assertThat(events)
                .containsAnyOf(new ThinkingDelta(JsonText.of("👩‍👩‍👧")), new TextDelta(JsonText.of("👩‍👩‍👧")));
    }

    private static LineFormat format(String name) {
        return Recording.load(name).path().equals(LineFormat.CHAT.path()) ? LineFormat.CHAT : LineFormat.GENERATE;
    }

    private static List<Object> splitEverywhere(byte[] raw, LineFormat format) {
        List<Object> uncut = read(raw, raw.length, format);
        for (int cut = 1; cut < raw.length; cut++) {
            assertThat(read(raw, cut, format)).as("cut at %s", cut).isEqualTo(uncut);
        }
        return uncut;
    }

    /** The events, and the failure's message, if there is one. */
    private static List<Object> read(byte[] raw, int cut, LineFormat format) {
        List<Object> seen = new ArrayList<>();
        LineDecoder decoder = new LineDecoder(format, true);
        EmbeddedChannel channel = new EmbeddedChannel(new HttpResponseDecoder(), Coalescing.handler());
        try {
            for (byte[] part : List.of(slice(raw, 0, cut), slice(raw, cut, raw.length))) {
                channel.writeInbound(Unpooled.wrappedBuffer(part));
                for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
                    seen.addAll(decoded(decoder, message));
                }
            }
            seen.addAll(decoder.end());
            if (decoder.failure() != null) {
                seen.add(decoder.failure());
            }
        } finally {
            channel.finishAndReleaseAll();
        }
        return seen;
    }

    private static List<ChatEvent> decoded(LineDecoder decoder, Object message) {
        if (!(message instanceof HttpContent content)) {
            return List.of();
        }
        try {
            return decoder.decode(content.content());
        } finally {
            content.release();
        }
    }

    /** The recording with the text of each line replaced, in the same chunks. */
    private static byte[] withMultiByteText(Recording recording) {
        StringBuilder raw = new StringBuilder(new String(recording.response(), StandardCharsets.UTF_8));
        raw.setLength(raw.indexOf("\r\n\r\n") + 4);
        int i = 0;
        for (String line : recording.lines()) {
            String token = TOKENS.get(i++ % TOKENS.size());
            String replaced = line.replaceFirst(
                            "(\"(?:content|response|thinking)\":\")[^\"]+\"",
                            "$1" + Matcher.quoteReplacement(token) + "\"")
                    + "\n";
            int size = replaced.getBytes(StandardCharsets.UTF_8).length;
            raw.append(Integer.toHexString(size))
                    .append("\r\n")
                    .append(replaced)
                    .append("\r\n");
        }
        return raw.append("0\r\n\r\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] slice(byte[] bytes, int from, int to) {
        return Arrays.copyOfRange(bytes, from, to);
    }
}
