package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CompletionTest {

    private static final String TOOLS = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\"}}]";
    private static final String SCHEMA =
            "\"format\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"ok\":{\"type\":\"boolean\"}}}";
    private static final String PIXELS = "AAECAwQFBgcICQ=="; // 10 bytes

    @Test
    void thinksOnlyInAModelThatCan() {
        assertThat(thinking(chat("simulator-thinking", "Why?", ""))).contains("Why?");
        assertThat(thinking(chat("simulator-thinking", "Why?", "\"think\":true")))
                .contains("Why?");
        assertThat(thinking(chat("simulator-thinking", "Why?", "\"think\":false")))
                .isEmpty();
        assertThat(thinking(chat("simulator", "Why?", ""))).isEmpty();
        assertThat(thinking(chat("simulator", "Why?", "\"think\":false"))).isEmpty();
    }

    @Test
    void thinksMoreAtAHigherLevel() {
        List<Integer> lengths = List.of("low", "medium", "high", "max").stream()
                .map(level -> thinking(chat("simulator-thinking", "Why?", "\"think\":\"" + level + "\""))
                        .length())
                .toList();

        assertThat(lengths).isSorted().doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"x\":0", TOOLS, SCHEMA})
    void answersTheSameAfterThinking(String fields) {
        String question = "Look at look, city=Rome";

        assertThat(answer(chat("simulator-thinking", question, "\"think\":true," + fields)))
                .isEqualTo(answer(chat("simulator-thinking", question, "\"think\":false," + fields)));
    }

    @Test
    void countsTokensOfThinkingAndOfCalls() {
        Completion completion = chat("simulator-thinking", "Please look", TOOLS);

        assertThat(completion.pieces().getFirst()).isInstanceOf(Piece.Thought.class);
        assertThat(completion.pieces().getLast()).isInstanceOf(Piece.Call.class);
        assertThat(completion.tokens())
                .isEqualTo(Storyteller.tokens(thinking(completion)).size()
                        + Storyteller.tokens("look{}").size());
    }

    @Test
    void countsOnlyTheSecondRunIfAFormatFollowsThinking() {
        Completion thought = chat("simulator-thinking", "Why?", "\"think\":true," + SCHEMA);
        Completion plain = chat("simulator-thinking", "Why?", "\"think\":false," + SCHEMA);

        assertThat(thought.tokens()).isEqualTo(plain.tokens());
        assertThat(thought.promptTokens())
                .isEqualTo(plain.promptTokens()
                        + Storyteller.tokens(thinking(thought)).size());
    }

    @ParameterizedTest
    @CsvSource({"4, Thought, 4", "1000, Text, 0"})
    void cutsThinkingToo(int limit, String last, int tokens) {
        Completion completion = chat("simulator-thinking", "Why?", "\"options\":{\"num_predict\":" + limit + "}");

        assertThat(completion.pieces().getLast().getClass().getSimpleName()).isEqualTo(last);
        assertThat(completion.reason()).isEqualTo(tokens > 0 ? "length" : "stop");
        assertThat(completion.tokens())
                .isEqualTo(tokens > 0 ? tokens : completion.pieces().size());
    }

    @Test
    void makesNoCallThatIsCut() {
        Completion completion = chat("simulator", "Please look", TOOLS + ",\"options\":{\"num_predict\":1}");

        assertThat(completion.pieces()).isEmpty();
        assertThat(completion.reason()).isEqualTo("length");
        assertThat(completion.tokens()).isEqualTo(1);
    }

    @Test
    void answersInTheFormat() {
        Completion completion = chat("simulator", "In 300 tokens, city=Rome", SCHEMA);

        assertThat(answer(completion)).isEqualTo("{\"city\":\"Rome\",\"ok\":true}");
        assertThat(completion.pieces()).hasSizeGreaterThan(5);
        JsonNode any = JsonMapper.shared().readTree(answer(chat("simulator-2", "Say \"hi\"", "\"format\":\"json\"")));
        assertThat(any.path("answer").stringValue()).contains("simulator", "Say \"hi\"");
    }

    @Test
    void cutsAFormat() {
        Completion completion = chat("simulator", "Why?", SCHEMA + ",\"options\":{\"num_predict\":3}");

        assertThat(answer(completion)).isEqualTo("{\"city");
        assertThat(completion.reason()).isEqualTo("length");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"format\":\"\"", "\"format\":null", "\"tools\":[]", "\"tools\":null", "\"think\":null"})
    void answersTextIfNothingElseIsAsked(String fields) {
        assertThat(answer(chat("simulator", "Please look", fields)))
                .isEqualTo(String.join("", Storyteller.answer("Please look", 0)));
    }

    @Test
    void seesImages() {
        String one = "{\"role\":\"user\",\"content\":\"What?\",\"images\":[\"" + PIXELS + "\"]}";
        String two = "{\"role\":\"user\",\"content\":\"What?\",\"images\":[\"" + PIXELS + "\",\"AA==\"]}";
        String usual = String.join("", Storyteller.answer("What?", 0));

        assertThat(answer(of("simulator", one, ""))).isEqualTo("I see 1 image (10 bytes). " + usual);
        assertThat(answer(of("simulator", two, ""))).isEqualTo("I see 2 images (10 bytes, 1 bytes). " + usual);
    }

    @Test
    void countsToolsImagesAndCallsAsPartOfThePrompt() {
        String image = "{\"role\":\"user\",\"content\":\"What?\",\"images\":[\"" + PIXELS + "\"]}";
        String call =
                ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"look\",\"arguments\":{}}}]}";
        int plain = chat("simulator", "What?", "").promptTokens();

        assertThat(chat("simulator", "What?", TOOLS).promptTokens()).isGreaterThan(plain + 10);
        assertThat(of("simulator", image, "").promptTokens()).isGreaterThan(plain + 100);
        assertThat(of("simulator", user("What?") + call, "").promptTokens()).isGreaterThan(plain + 10);
    }

    @Test
    void writesPlainLinesAsBefore() {
        Prompt prompt = prompt("simulator", user("Hi"), "");
        Answer answer = new Answer(prompt, Duration.ZERO, Duration.ZERO, InstantSource.fixed(Instant.EPOCH));

        assertThat(new String(SimulatorWire.line(answer.line(new Piece.Text("Hi"))), StandardCharsets.UTF_8))
                .isEqualTo("""
                        {"model":"simulator","created_at":"1970-01-01T00:00:00Z",\
                        "message":{"role":"assistant","content":"Hi"},"done":false}
                        """);
        assertThat(new String(SimulatorWire.line(answer.last()), StandardCharsets.UTF_8))
                .startsWith(
                        "{\"model\":\"simulator\",\"created_at\":\"1970-01-01T00:00:00Z\","
                                + "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":");
    }

    private static Completion chat(String model, String question, String fields) {
        return of(model, user(question.replace("\"", "\\\"")), fields);
    }

    private static Completion of(String model, String messages, String fields) {
        return new Completion(prompt(model, messages, fields));
    }

    private static Prompt prompt(String model, String messages, String fields) {
        return Prompt.parse(
                JsonMapper.shared()
                        .readTree("{\"model\":\"" + model + "\",\"messages\":[" + messages + "]"
                                + (fields.isEmpty() ? "" : "," + fields) + "}"),
                true);
    }

    private static String user(String text) {
        return "{\"role\":\"user\",\"content\":\"" + text + "\"}";
    }

    private static String thinking(Completion completion) {
        return completion.pieces().stream()
                .map(piece -> piece instanceof Piece.Thought thought ? thought.token() : "")
                .collect(Collectors.joining());
    }

    /** The text and the calls. */
    private static String answer(Completion completion) {
        return completion.pieces().stream()
                .map(piece -> switch (piece) {
                    case Piece.Text text -> text.token();
                    case Piece.Call call -> call.call().toString();
                    default -> "";
                })
                .collect(Collectors.joining());
    }
}
