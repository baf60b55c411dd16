package dev.localllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.ReasoningEffort;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletion.Choice.FinishReason;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessage;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.CompletionUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OpenAiTest {

    /** Its class is the schema that the model fills in. */
    public static class Event {
        public String name;
        public Kind kind;
        public int guests;
        public String city;
    }

    public enum Kind {
        FAIR,
        TALK
    }

    @JsonTypeName("get_weather")
    @JsonClassDescription("The temperature")
    public static class GetWeather {
        public String city;
    }

    private final OpenAIClient client = client(Chats.URL, "asked");

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void readsTheSameAnswerAtOnceAndInAStreamWithItsUsage() {
        ChatCompletion answer = client.chat().completions().create(question(Chats.SHORT).build());
        ChatCompletion streamed = stream(question(Chats.SHORT)
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build());

        assertEquals(message(answer).content(), message(streamed).content());
        for (ChatCompletion completion : List.of(answer, streamed)) {
            completion.validate();
            assertEquals(FinishReason.STOP, completion.choices().getFirst().finishReason());
            CompletionUsage usage = completion.usage().orElseThrow();
            assertEquals(5, usage.completionTokens());
            assertEquals(usage.promptTokens() + 5, usage.totalTokens());
        }
    }

    @Test
    void throwsItsOwnTypes() {
        assertRefused(NotFoundException.class, "model_not_found", "model", question(Chats.SHORT).model("none"));
        assertRefused(BadRequestException.class, null, "temperature", question(Chats.SHORT).temperature(3.0));
        assertRefused(BadRequestException.class, "context_length_exceeded", "messages", question(Chats.TOO_LONG));
    }

    @Test
    void asksAgainWhenTheRateLimitAllowsIt() throws Exception {
        Chats.useUpRateLimit("openai");
        OpenAIClient limited = client(Chats.LIMITED_URL, "openai-limited");

        ChatCompletion answer = limited.chat().completions().create(question(Chats.SHORT).build());

        assertEquals(FinishReason.STOP, answer.choices().getFirst().finishReason());
        limited.close();
    }

    @Test
    void abortsAStreamAndTheModelWorksOnTheNextQuestion() {
        OpenAIClient aborting = client(Chats.URL, "openai-aborted");
        try (StreamResponse<ChatCompletionChunk> chunks =
                aborting.chat().completions().createStreaming(question(Chats.LONG).build())) {
            assertTrue(chunks.stream().findFirst().isPresent());
        }

        client.chat().completions().create(question(Chats.SHORT).build());
        aborting.close();
    }

    @Test
    void callsAToolInTenTurnsStreamingOrNot() {
        for (Function<ChatCompletionCreateParams, ChatCompletion> asking :
                List.<Function<ChatCompletionCreateParams, ChatCompletion>>of(
                        client.chat().completions()::create, this::stream)) {
            ChatCompletionCreateParams.Builder params = question(Chats.WEATHER).addTool(GetWeather.class);
            List<String> cities = new ArrayList<>();
            ChatCompletion answer = asking.apply(params.build());
            while (answer.choices().getFirst().finishReason().equals(FinishReason.TOOL_CALLS)) {
                params.addMessage(message(answer));
                for (var call : message(answer).toolCalls().orElseThrow()) {
                    ChatCompletionMessageFunctionToolCall function = call.asFunction();
                    assertEquals("get_weather", function.function().name());
                    cities.add(function.function().arguments(GetWeather.class).city);
                    params.addMessage(ChatCompletionToolMessageParam.builder()
                            .toolCallId(function.id())
                            .contentAsJson(Chats.FORECAST)
                            .build());
                }
                answer = asking.apply(params.build());
            }

            assertEquals(Chats.CITIES, cities);
            assertEquals(Optional.of(Chats.REPORT), message(answer).content());
        }
    }

    @Test
    void readsStructuredOutput() {
        Event event = client.chat()
                .completions()
                .create(question(Chats.EVENT).responseFormat(Event.class).build())
                .choices()
                .getFirst()
                .message()
                .content()
                .orElseThrow();

        assertEquals("Fair", event.name);
        assertEquals(Kind.FAIR, event.kind);
        assertEquals(1, event.guests);
        assertEquals("Paris", event.city);
    }

    @Test
    void showsAnImage() {
        ChatCompletionCreateParams params = ChatCompletionCreateParams.builder()
                .model("simulator")
                .addUserMessageOfArrayOfContentParts(List.of(
                        ChatCompletionContentPart.ofText(ChatCompletionContentPartText.builder()
                                .text(Chats.SHORT)
                                .build()),
                        ChatCompletionContentPart.ofImageUrl(ChatCompletionContentPartImage.builder()
                                .imageUrl(ChatCompletionContentPartImage.ImageUrl.builder()
                                        .url(Chats.IMAGE)
                                        .build())
                                .build())))
                .build();

        String text = message(client.chat().completions().create(params)).content().orElseThrow();

        assertTrue(text.startsWith(Chats.SEEN), text);
    }

    @Test
    void readsThoughtsWhichItCanTurnOff() {
        assertFalse(thoughts(ReasoningEffort.HIGH).isEmpty());
        assertTrue(thoughts(ReasoningEffort.NONE).isEmpty());
    }

    private String thoughts(ReasoningEffort effort) {
        ChatCompletionCreateParams params = question(Chats.SHORT)
                .model("simulator-thinking")
                .reasoningEffort(effort)
                .build();
        StringBuilder streamed = new StringBuilder();
        try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(params)) {
            chunks.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .forEach(choice -> streamed.append(
                            thought(choice.delta()._additionalProperties().get("reasoning_content"))));
        }

        ChatCompletionMessage message = message(client.chat().completions().create(params));
        assertEquals(thought(message._additionalProperties().get("reasoning_content")), streamed.toString());
        return streamed.toString();
    }

    private static String thought(JsonValue value) {
        return value == null ? "" : value.asStringOrThrow();
    }

    private void assertRefused(
            Class<? extends OpenAIServiceException> type,
            String code,
            String param,
            ChatCompletionCreateParams.Builder params) {
        for (Function<ChatCompletionCreateParams, ?> asking : List.<Function<ChatCompletionCreateParams, ?>>of(
                client.chat().completions()::create, this::stream)) {
            OpenAIServiceException refusal = assertThrows(type, () -> asking.apply(params.build()));

            assertEquals(Optional.ofNullable(code), refusal.code());
            assertEquals(Optional.of(param), refusal.param());
        }
    }

    private ChatCompletion stream(ChatCompletionCreateParams params) {
        ChatCompletionAccumulator whole = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(params)) {
            chunks.stream().map(ChatCompletionChunk::validate).forEach(whole::accumulate);
        }
        return whole.chatCompletion();
    }

    private static ChatCompletionMessage message(ChatCompletion completion) {
        return completion.choices().getFirst().message();
    }

    private static ChatCompletionCreateParams.Builder question(String text) {
        return ChatCompletionCreateParams.builder().model("simulator").addUserMessage(text);
    }

    private static OpenAIClient client(String url, String request) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(url)
                .apiKey("none")
                .putHeader("X-Client-Id", "openai")
                .putHeader("X-Request-Id", request)
                .build();
    }
}
