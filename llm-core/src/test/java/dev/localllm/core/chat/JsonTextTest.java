package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

class JsonTextTest {

    private static final JsonMapper JACKSON = JsonMapper.shared();
    private static final int ROUNDS = 20_000;

    @Test
    @Tag("random")
    void writesJsonThatAnotherParserReads() {
        Random random = seeded();
        for (int i = 0; i < ROUNDS; i++) {
            String text = randomText(random);
            assertThat(JACKSON.readValue(JsonText.of(text).quoted(), String.class))
                    .isEqualTo(text);
        }
    }

    @Test
    @Tag("random")
    void readsJsonOfAnotherWriter() {
        Random random = seeded();
        for (int i = 0; i < ROUNDS; i++) {
            String text = randomText(random);
            byte[] json = JACKSON.writeValueAsBytes(text);
            assertThat(JsonText.end(json, 1, json.length)).isEqualTo(json.length - 1);
            assertThat(JsonText.ofEscaped(json, 1, json.length - 1)).hasToString(text);
        }
    }

    @Test
    @Tag("random")
    void findsTheSameEndAsAnotherParser() {
        Random random = seeded();
        byte[] alphabet = "\"\\u00aFb/n \u00e9\u597d\ud83d\ude42\u0001x".getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < ROUNDS; i++) {
            byte[] bytes = new byte[1 + random.nextInt(12)];
            for (int k = 0; k < bytes.length; k++) {
                bytes[k] = alphabet[random.nextInt(alphabet.length)];
            }
            int end = JsonText.end(bytes, 0, bytes.length);
            assertThat(end >= 0).as(() -> Arrays.toString(bytes)).isEqualTo(isString(bytes, firstQuote(bytes)));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "c080",
                "c1bf",
                "e09fbf",
                "eda080",
                "edbfbf",
                "f08fbfbf",
                "f4908080",
                "f5808080",
                "80",
                "e5a5",
                "f09f99"
            })
    void refusesBytesThatAreNotUtf8(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex + "22");
        assertThat(JsonText.end(bytes, 0, bytes.length)).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf", "7f"})
    void takesTheFirstAndLastOfEachKindOfUtf8(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex + "22");
        assertThat(JsonText.end(bytes, 0, bytes.length)).isEqualTo(bytes.length - 1);
    }

    @Test
    void doesNotReadBeyondTheLimit() {
        byte[] bytes = "abc\"".getBytes(StandardCharsets.UTF_8);
        assertThat(JsonText.end(bytes, 0, 3)).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u001f", "\\", "\\x", "\\u", "\\u00e", "\\u00g0", "\\u:000", "\\u000\u00e9"})
    void refusesControlCharactersAndMalformedEscapes(String text) {
        byte[] bytes = (text + '"').getBytes(StandardCharsets.UTF_8);
        assertThat(JsonText.end(bytes, 0, bytes.length)).isEqualTo(-1);
    }

    @Test
    void findsNoEndBeforeTheQuote() {
        byte[] bytes = "\\u0000\\n \u00e9\"".getBytes(StandardCharsets.UTF_8);
        for (int to = 0; to < bytes.length; to++) {
            assertThat(JsonText.end(bytes, 0, to)).as("to %s", to).isEqualTo(-1);
            assertThat(JsonText.end(Arrays.copyOf(bytes, to), 0, to))
                    .as("all %s bytes", to)
                    .isEqualTo(-1);
        }
        assertThat(JsonText.end(bytes, 0, bytes.length)).isEqualTo(bytes.length - 1);
    }

    @Test
    void escapesControlCharactersAndNothingElse() {
        assertThat(JsonText.of("\u0000\u001f \u007f\"\\/").quoted()).isEqualTo("\"\\u0000\\u001f \u007f\\\"\\\\/\"");
    }

    @Test
    void decodesEscapesOfEveryKind() {
        assertThat(escaped("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83d\\ude42 \\u003c"))
                .hasToString("\"\\/\b\f\n\r\té🙂 <");
    }

    @Test
    void replacesUnpairedSurrogates() {
        assertThat(escaped("a\\ud83db\\ude42")).hasToString("a\uFFFDb\uFFFD");
        assertThat(escaped("\\ud7ff\\ud800 \\udfff\\ue000")).hasToString("\ud7ff\uFFFD \uFFFD\ue000");
        assertThat(JsonText.of("a\ud83d")).hasToString("a\uFFFD");
    }

    @Test
    void equalsTextThatDecodesToTheSame() {
        assertThat(escaped("\\u003cb\\u003e")).isEqualTo(JsonText.of("<b>")).hasSameHashCodeAs(JsonText.of("<b>"));
        assertThat(JsonText.of("a")).isNotEqualTo(JsonText.of("b")).doesNotHaveSameHashCodeAs(JsonText.of("b"));
    }

    @Test
    void writesItsBytesOnly() {
        byte[] shared = "xxhi\\nyy".getBytes(StandardCharsets.UTF_8);
        JsonText text = JsonText.ofEscaped(shared, 2, 6);
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        text.writeTo(written::write);
        assertThat(written.toString(StandardCharsets.UTF_8)).isEqualTo("hi\\n");
        assertThat(text.length()).isEqualTo(4);
    }

    private static JsonText escaped(String json) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        return JsonText.ofEscaped(bytes, 0, bytes.length);
    }

    private static int firstQuote(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\\') {
                i++;
            } else if (bytes[i] == '"') {
                return i;
            }
        }
        return -1;
    }

    private static boolean isString(byte[] bytes, int quote) {
        if (quote < 0) {
            return false;
        }
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        json.write('"');
        json.write(bytes, 0, quote + 1);
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json.toByteArray()));
            JACKSON.readValue(json.toByteArray(), String.class);
            return true;
        } catch (CharacterCodingException | JacksonException e) {
            return false;
        }
    }

    private static Random seeded() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        return new Random(seed);
    }

    private static String randomText(Random random) {
        return random.ints(random.nextInt(20), 0, 0x110000)
                .map(codePoint -> codePoint % 3 == 0 ? codePoint % 0x80 : codePoint)
                .filter(codePoint -> codePoint < 0xD800 || codePoint > 0xDFFF)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
