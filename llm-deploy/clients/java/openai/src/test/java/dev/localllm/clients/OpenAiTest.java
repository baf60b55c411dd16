package dev.localllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

    @com.fasterxml.jackson.annotation.JsonTypeName("get_weather")
    @com.fasterxml.jackson.annotation.JsonClassDescription("The temperature")
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
