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
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Random answers in random pieces. */
@Tag("random")
class LineDecoderPropertyTest {

    private static final int ROUNDS = 2_000;
    private static final String ALPHABET = "ab \"\\/\n\t\u0001<é好안🙂👩‍👧\u2028\uFFFD";

    private final Random random = seeded();

    /** An answer: its bytes, and the events that it must give. */
    private final StringBuilder body = new StringBuilder();

    private final List<ChatEvent> expected = new ArrayList<>();
    private int calls;
    private LineFormat format = LineFormat.CHAT;

    @Test
    void decodesRandomAnswers() {
        for (int i = 0; i < ROUNDS; i++) {
            writeAnswer();
            byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
            LineDecoder decoder = new LineDecoder(format, true);

            assertThat(decode(bytes, bytes.length, decoder)).as(body::toString).isEqualTo(expected);
            assertThat(decoder.failure()).isNull();
        }
    }

    @Test
    void failsAfterSomeOfTheEventsIfTheEndIsMissing() {
        for (int i = 0; i < ROUNDS; i++) {
            writeAnswer();
            byte[] bytes = body.toString().strip().getBytes(StandardCharsets.UTF_8);
            LineDecoder decoder = new LineDecoder(format, true);

            List<ChatEvent> events = decode(bytes, random.nextInt(bytes.length), decoder);

            assertThat(events).as(body::toString).isEqualTo(expected.subList(0, events.size()));
            assertThat(events).noneMatch(Finished.class::isInstance);
            assertThat(decoder.failure()).isNotNull();
        }
    }

    private List<ChatEvent> decode(byte[] bytes, int length, LineDecoder decoder) {
        List<ChatEvent> events = new ArrayList<>();
        int most = 1 + random.nextInt(200);
        for (int from = 0; from < length; ) {
            int size = Math.min(length - from, 1 + random.nextInt(most));
            events.addAll(decoder.decode(Unpooled.wrappedBuffer(bytes, from, size)));
            from += size;
        }
        events.addAll(decoder.end());
        return events;
    }

    private void writeAnswer() {
        body.setLength(0);
        expected.clear();
        calls = 0;
        format = random.nextBoolean() ? LineFormat.CHAT : LineFormat.GENERATE;
        int lines = random.nextInt(8);
        for (int i = 0; i < lines; i++) {
            writeLine();
        }
        body.append(
                        format == LineFormat.CHAT
                                ? "{\"message\":{\"content\":\"\"},\"done\":true"
                                : "{\"response\":\"\",\"done\":true,\"context\":" + numbers())
                .append(",\"eval_count\":")
                .append(lines)
                .append('}');
        body.append(random.nextBoolean() ? "\n" : "");
        expected.add(new Finished(
                calls == 0 ? FinishReason.STOP : FinishReason.TOOL_CALLS, new Usage(0, null, lines), Timings.ZERO));
    }

    private void writeLine() {
        String space = random.nextInt(4) == 0 ? " " : "";
        String thinking = random.nextInt(3) == 0 ? text() : "";
        String content = random.nextInt(3) == 0 ? "" : text();
        List<TokenLogprob> tokens = random.nextInt(3) == 0 ? tokens(true) : List.of();
        if (!thinking.isEmpty()) {
            expected.add(new ThinkingDelta(JsonText.of(thinking)));
        }
        if (!tokens.isEmpty() && !content.isEmpty() && thinking.isEmpty()) {
            expected.add(new LogprobsDelta(tokens));
        }
        if (!content.isEmpty()) {
            expected.add(new TextDelta(JsonText.of(content)));
        }
        body.append("{\"model\":\"tiny\",\"created_at\":\"2026-11-23T08:41:33Z\",")
                .append(space)
                .append(
                        format == LineFormat.CHAT
                                ? "\"message\":{\"role\":\"assistant\",\"content\":"
                                : "\"response\":")
                .append(quoted(content))
                .append(thinking.isEmpty() ? "" : ",\"thinking\":" + quoted(thinking))
                .append(format == LineFormat.CHAT && random.nextInt(4) == 0 ? ",\"tool_calls\":" + writeCalls() : "")
                .append(format == LineFormat.CHAT ? "}" : "")
                .append(",\"done\":false")
                .append(tokens.isEmpty() ? "" : ",\"logprobs\":" + json(tokens))
                .append("}\n");
    }

    private String numbers() {
        return random.ints(random.nextInt(300), 0, 100_000)
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(",", "[", "]"));
    }

    private String writeCalls() {
        List<String> json = new ArrayList<>();
        int count = random.nextInt(3);
        for (int i = 0; i < count; i++) {
            String id = "id" + calls;
            String arguments = "{\"" + i + "\":" + JsonText.of(text()).quoted() + "}";
            expected.add(new ToolCallDelta(calls++, new Part.ToolCall(id, "f", canonical(arguments))));
            json.add("{\"id\":\"" + id + "\",\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":" + arguments
                    + "}}");
        }
        return json.toString();
    }

    private static String canonical(String json) {
        return OllamaJson.read(json).toString();
    }

    private List<TokenLogprob> tokens(boolean alternatives) {
        List<TokenLogprob> tokens = new ArrayList<>();
        int count = random.nextInt(3);
        for (int i = 0; i < count; i++) {
            tokens.add(new TokenLogprob(
                    text(),
                    -random.nextDouble(),
                    random.ints(random.nextInt(4), 0, 256).boxed().toList(),
                    alternatives ? tokens(false) : List.of()));
        }
        return tokens;
    }

    private String json(List<TokenLogprob> tokens) {
        return tokens.stream()
                .map(token -> "{\"token\":" + quoted(token.token()) + ",\"logprob\":" + token.logprob() + ",\"bytes\":"
                        + token.bytes() + ",\"top_logprobs\":" + json(token.alternatives()) + "}")
                .collect(Collectors.joining(",", "[", "]"));
    }

    /** Not empty. */
    private String text() {
        int[] alphabet = ALPHABET.codePoints().toArray();
        return random.ints(1 + random.nextInt(6), 0, alphabet.length)
                .map(i -> alphabet[i])
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /** Escapes what must be escaped, and other characters at random. */
    private String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        text.codePoints().forEach(codePoint -> {
            String character = Character.toString(codePoint);
            if (random.nextInt(4) == 0) {
                character.chars().forEach(unit -> json.append("\\u%04x".formatted(unit)));
            } else {
                String plain = JsonText.of(character).quoted();
                json.append(plain, 1, plain.length() - 1);
            }
        });
        return json.append('"').toString();
    }

    private static Random seeded() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        return new Random(seed);
    }
}
