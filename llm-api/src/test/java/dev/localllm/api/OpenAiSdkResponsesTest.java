package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseOutputItem;
import com.openai.models.responses.ResponseOutputText;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.StructuredResponseCreateParams;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** OpenAI's own Java client works with POST /v1/responses without changes. */
class OpenAiSdkResponsesTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    /** A structured output. */
    public static final class Person {
        public String name;
        public int age;
    }

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final OpenAIClient client = OpenAIOkHttpClient.builder()
            .baseUrl(SERVERS.server().uri("/v1").toString())
            .apiKey("none")
            .maxRetries(0)
            .build();

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void readsANonStreamingResponse() {
        Response response = client.responses()
                .create(question("안녕하세요")
                        .maxOutputTokens(12)
                        .instructions("Be brief.")
                        .metadata(ResponseCreateParams.Metadata.builder()
                                .putAdditionalProperty("a", JsonValue.from("b"))
                                .build())
                        .build())
                .validate();

        assertThat(response.status()).contains(ResponseStatus.INCOMPLETE);
        assertThat(response.incompleteDetails().orElseThrow().reason())
                .contains(Response.IncompleteDetails.Reason.MAX_OUTPUT_TOKENS);
        assertThat(text(response)).contains("시뮬레이터");
        assertThat(response.usage().orElseThrow().outputTokens()).isEqualTo(12);
        assertThat(response.instructions().orElseThrow().asString()).isEqualTo("Be brief.");
        assertThat(response.metadata().orElseThrow()._allProperties()).containsEntry("a", JsonValue.from("b"));
    }

    @Test
    void readsTheSameResponseFromAStream() {
        ResponseCreateParams params = question("What is the time? 🙂").build();

        List<ResponseStreamEvent> events = stream(params);

        assertThat(events).allSatisfy(ResponseStreamEvent::validate);
        assertThat(text(accumulated(events))).isEqualTo(text(client.responses().create(params)));
        assertThat(text(reconstructed(events))).isEqualTo(text(accumulated(events)));
        assertThat(events.getLast().completed()).isPresent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callsToolsAndSendsTheirOutputsBack(boolean streamed) {
        List<ResponseInputItem> input =
                new ArrayList<>(List.of(ResponseInputItem.ofEasyInputMessage(EasyInputMessage.builder()
                        .role(EasyInputMessage.Role.USER)
                        .content("Use get_weather with city=Paris")
                        .build())));

        Response called = ask(withTools(input), streamed);
        for (ResponseOutputItem item : called.validate().output()) {
            item.reasoning().ifPresent(reasoning -> input.add(ResponseInputItem.ofReasoning(reasoning)));
            item.message().ifPresent(message -> input.add(ResponseInputItem.ofResponseOutputMessage(message)));
            item.functionCall().ifPresent(call -> {
                assertThat(call.arguments()).isEqualTo("{\"city\":\"Paris\"}");
                input.add(ResponseInputItem.ofFunctionCall(call));
                input.add(ResponseInputItem.ofFunctionCallOutput(ResponseInputItem.FunctionCallOutput.builder()
                        .callId(call.callId())
                        .output("sunny")
                        .build()));
            });
        }

        assertThat(input).hasSize(4);
        assertThat(text(ask(withTools(input), streamed))).contains("get_weather said: \"sunny\"");
    }

    @Test
    void readsStructuredOutput() {
        StructuredResponseCreateParams<Person> params =
                question("name=Ada").text(Person.class).build();

        List<Person> people = client.responses().create(params).output().stream()
                .flatMap(item -> item.message().stream())
                .flatMap(message -> message.content().stream())
                .flatMap(content -> content.outputText().stream())
                .toList();

        assertThat(people).singleElement().satisfies(person -> {
            assertThat(person.name).isEqualTo("Ada");
            assertThat(person.age).isEqualTo(1);
        });
    }

    @Test
    void tellsAFailureInMidStream() {
        simulator.script(new Fault.SendsError(3));

        Response failed = accumulated(stream(question("Hi").build()));

        assertThat(failed.status()).contains(ResponseStatus.FAILED);
        assertThat(failed.error().orElseThrow().code().asString()).isEqualTo("upstream_failed");
    }

    @Test
    void throwsItsOwnTypesBeforeTheFirstByte() {
        assertThatExceptionOfType(BadRequestException.class)
                .isThrownBy(() ->
                        client.responses().create(question("Hi").store(true).build()))
                .satisfies(e -> assertThat(e.param()).contains("store"));
        simulator.script(new Fault.SendsError(0));
        assertThatExceptionOfType(InternalServerException.class)
                .isThrownBy(() -> stream(question("Hi").build()))
                .satisfies(e -> assertThat(e.statusCode()).isEqualTo(502));
    }

    private static ResponseCreateParams.Builder question(String text) {
        return ResponseCreateParams.builder().model(OllamaSimulator.CHAT_MODEL).input(text);
    }

    private static ResponseCreateParams withTools(List<ResponseInputItem> input) {
        return ResponseCreateParams.builder()
                .model(OllamaSimulator.THINKING_MODEL)
                .inputOfResponse(input)
                .addTool(FunctionTool.builder()
                        .name("get_weather")
                        .strict(true)
                        .parameters(FunctionTool.Parameters.builder()
                                .putAdditionalProperty("type", JsonValue.from("object"))
                                .putAdditionalProperty(
                                        "properties", JsonValue.from(Map.of("city", Map.of("type", "string"))))
                                .putAdditionalProperty("required", JsonValue.from(List.of("city")))
                                .putAdditionalProperty("additionalProperties", JsonValue.from(false))
                                .build())
                        .build())
                .build();
    }

    private Response ask(ResponseCreateParams params, boolean streamed) {
        return streamed ? accumulated(stream(params)) : client.responses().create(params);
    }

    private List<ResponseStreamEvent> stream(ResponseCreateParams params) {
        try (StreamResponse<ResponseStreamEvent> response = client.responses().createStreaming(params)) {
            return response.stream().toList();
        }
    }

    private static Response accumulated(List<ResponseStreamEvent> events) {
        ResponseAccumulator accumulator = ResponseAccumulator.create();
        events.forEach(accumulator::accumulate);
        return accumulator.response();
    }

    /** From the deltas, not from the last event. */
    private static Response reconstructed(List<ResponseStreamEvent> events) {
        ResponseAccumulator accumulator = ResponseAccumulator.createWithSnapshots();
        events.forEach(accumulator::accumulate);
        return accumulator.reconstructedResponse();
    }

    private static String text(Response response) {
        return response.output().stream()
                .flatMap(item -> item.message().stream())
                .flatMap(message -> message.content().stream())
                .flatMap(content -> content.outputText().stream())
                .map(ResponseOutputText::text)
                .collect(Collectors.joining());
    }
}
