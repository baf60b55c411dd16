package dev.localllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonTypeName;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OpenAiRoutesTest {

    @JsonTypeName("get_weather")
    public static class GetWeather {
        public String city;
    }

    private final OpenAIClient client =
            OpenAIOkHttpClient.builder().baseUrl(Chats.URL).apiKey("none").build();

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void readsTheSameResponseAtOnceAndInAStream() {
        Response answer = client.responses().create(question(Chats.SHORT).build());
        Response streamed = stream(question(Chats.SHORT).build());

        assertEquals(text(answer), text(streamed));
        for (Response response : List.of(answer, streamed)) {
            response.validate();
            assertEquals(Optional.of(ResponseStatus.COMPLETED), response.status());
            assertEquals(5, response.usage().orElseThrow().outputTokens());
        }
    }

    @Test
    void tellsACutResponse() {
        for (Function<ResponseCreateParams, Response> asking : askings()) {
            assertEquals(
                    Optional.of(ResponseStatus.INCOMPLETE),
                    asking.apply(question(Chats.SHORT).maxOutputTokens(2).build()).status());
        }
    }

    @Test
    void callsAToolInTenTurnsStreamingOrNot() {
        for (Function<ResponseCreateParams, Response> asking : askings()) {
            List<ResponseInputItem> items = new ArrayList<>();
            items.add(ResponseInputItem.ofEasyInputMessage(EasyInputMessage.builder()
                    .role(EasyInputMessage.Role.USER)
                    .content(Chats.WEATHER)
                    .build()));
            List<String> cities = new ArrayList<>();
            Response response = asking.apply(tools(items));
            for (Optional<ResponseFunctionToolCall> call = call(response); call.isPresent(); call = call(response)) {
                cities.add(call.get().arguments(GetWeather.class).city);
                items.add(ResponseInputItem.ofFunctionCall(call.get()));
                items.add(ResponseInputItem.ofFunctionCallOutput(ResponseInputItem.FunctionCallOutput.builder()
                        .callId(call.get().callId())
                        .outputAsJson(Chats.FORECAST)
                        .build()));
                response = asking.apply(tools(items));
            }

            assertEquals(Chats.CITIES, cities);
            assertEquals(Chats.REPORT, text(response));
        }
    }

    @Test
    void learnsWhatToDoWithoutAStore() {
        BadRequestException refusal = assertThrows(
                BadRequestException.class,
                () -> client.responses().create(question(Chats.SHORT).store(true).build()));

        assertEquals(Optional.of("store"), refusal.param());
    }

    @Test
    void readsEmbeddings() {
        CreateEmbeddingResponse response = client.embeddings()
                .create(EmbeddingCreateParams.builder()
                        .model("simulator-embed")
                        .inputOfArrayOfStrings(List.of("one", "two", "one"))
                        .build());

        assertEquals(
                response.data().get(0).embedding(), response.data().get(2).embedding());
        assertNotEquals(
                response.data().get(0).embedding(), response.data().get(1).embedding());
        assertTrue(response.usage().promptTokens() > 0);
    }

    @Test
    void readsTheSameCompletionAtOnceAndInAStream() {
        CompletionCreateParams params = CompletionCreateParams.builder()
                .model("simulator")
                .prompt("int sum(")
                .suffix("return a + b; }")
                .build();
        Completion answer = client.completions().create(params);
        String streamed;
        try (StreamResponse<Completion> chunks = client.completions().createStreaming(params)) {
            streamed = chunks.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .map(choice -> choice.text())
                    .collect(Collectors.joining());
        }

        assertEquals(answer.choices().getFirst().text(), streamed);
    }

    private List<Function<ResponseCreateParams, Response>> askings() {
        return List.of(client.responses()::create, this::stream);
    }

    private Response stream(ResponseCreateParams params) {
        ResponseAccumulator sum = ResponseAccumulator.create();
        try (StreamResponse<ResponseStreamEvent> events = client.responses().createStreaming(params)) {
            events.stream().map(ResponseStreamEvent::validate).forEach(sum::accumulate);
        }
        return sum.response();
    }

    private static ResponseCreateParams tools(List<ResponseInputItem> items) {
        return ResponseCreateParams.builder()
                .model("simulator")
                .inputOfResponse(items)
                .addTool(GetWeather.class)
                .build();
    }

    private static Optional<ResponseFunctionToolCall> call(Response response) {
        return response.output().stream()
                .flatMap(item -> item.functionCall().stream())
                .findFirst();
    }

    private static String text(Response response) {
        return response.output().stream()
                .flatMap(item -> item.message().stream())
                .flatMap(message -> message.content().stream())
                .map(part -> part.asOutputText().text())
                .collect(Collectors.joining());
    }

    private static ResponseCreateParams.Builder question(String text) {
        return ResponseCreateParams.builder().model("simulator").input(text);
    }
}
