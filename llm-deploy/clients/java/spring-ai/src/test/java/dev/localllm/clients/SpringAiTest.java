package dev.localllm.clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.content.Media;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.openai.OpenAiEmbeddingModel;
import org.springframework.ai.openai.OpenAiEmbeddingOptions;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.util.MimeTypeUtils;

class SpringAiTest {

    record Event(String name, Kind kind, int guests, String city) {}

    enum Kind {
        FAIR,
        TALK
    }

    static class Weather {

        final List<String> cities = new CopyOnWriteArrayList<>();

        @Tool(name = "get_weather", description = "The temperature")
        int temperature(String city) {
            cities.add(city);
            return Chats.FORECAST;
        }
    }

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    @Test
    void readsTheSameAnswerAtOnceAndInAStreamWithItsUsage() {
        ChatResponse answer = ask(Chats.SHORT, options()).call().chatResponse();
        List<ChatResponse> streamed = ask(Chats.SHORT, options().streamUsage(true)).stream()
                .chatResponse()
                .collectList()
                .block(TIMEOUT);

        assertEquals(answer.getResult().getOutput().getText(), text(streamed));
        assertEquals("STOP", answer.getResult().getMetadata().getFinishReason());
        for (ChatResponse response : List.of(answer, streamed.getLast())) {
            Usage usage = response.getMetadata().getUsage();
            assertEquals(5, usage.getCompletionTokens());
            assertEquals(usage.getPromptTokens() + 5, usage.getTotalTokens());
        }
    }

    @Test
    void throwsTheSdksTypes() {
        assertRefused(NotFoundException.class, "model_not_found", Chats.SHORT, options().model("none"));
        assertRefused(BadRequestException.class, null, Chats.SHORT, options().temperature(3.0));
        assertRefused(BadRequestException.class, "context_length_exceeded", Chats.TOO_LONG, options());
    }

    @Test
    void asksAgainWhenTheRateLimitAllowsIt() throws Exception {
        Chats.useUpRateLimit("spring-ai");

        String answer = ask(Chats.SHORT, options("spring-ai-limited").baseUrl(Chats.LIMITED_URL))
                .call()
                .content();

        assertFalse(answer.isEmpty());
    }

    @Test
    void abortsAStreamAndTheModelWorksOnTheNextQuestion() {
        ask(Chats.LONG, options("spring-ai-aborted")).stream().content().blockFirst(TIMEOUT);

        assertFalse(ask(Chats.SHORT, options()).call().content().isEmpty());
    }

    @Test
    void callsAToolInTenTurnsStreamingOrNot() {
        Weather weather = new Weather();

        String answer =
                ask(Chats.WEATHER, options()).tools(weather).call().content();

        assertEquals(Chats.REPORT, answer);
        assertEquals(Chats.CITIES, weather.cities);

        weather.cities.clear();
        List<String> streamed = ask(Chats.WEATHER, options()).tools(weather).stream()
                .content()
                .collectList()
                .block(TIMEOUT);

        assertEquals(Chats.REPORT, String.join("", streamed));
        assertEquals(Chats.CITIES, weather.cities);
    }

    @Test
    void readsStructuredOutput() {
        assertEquals(
                new Event("Fair", Kind.FAIR, 1, "Paris"),
                ask(Chats.EVENT, options()).call().entity(Event.class, spec -> spec.useProviderStructuredOutput()));
    }

    @Test
    void showsAnImage() {
        Media image = Media.builder()
                .mimeType(MimeTypeUtils.IMAGE_PNG)
                .data(Chats.IMAGE)
                .build();

        String text = ask(Chats.SHORT, options())
                .user(user -> user.text(Chats.SHORT).media(image))
                .call()
                .content();

        assertTrue(text.startsWith(Chats.SEEN), text);
    }

    @Test
    void readsThoughtsWhichItCanTurnOff() {
        assertFalse(thoughts("high").isEmpty());
        assertTrue(thoughts("none").isEmpty());
    }

    @Test
    void embedsTexts() {
        OpenAiEmbeddingModel model = new OpenAiEmbeddingModel(OpenAiEmbeddingOptions.builder()
                .baseUrl(Chats.URL)
                .apiKey("none")
                .model("simulator-embed")
                .build());

        List<float[]> vectors = model.embed(List.of("one", "two", "one"));

        assertArrayEquals(vectors.get(0), vectors.get(2));
        assertFalse(Arrays.equals(vectors.get(0), vectors.get(1)));
    }

    private static String thoughts(String effort) {
        OpenAiChatOptions.Builder options =
                options().model("simulator-thinking").reasoningEffort(effort);

        return ask(Chats.SHORT, options)
                .call()
                .chatResponse()
                .getResult()
                .getOutput()
                .getMetadata()
                .getOrDefault("reasoningContent", "")
                .toString();
    }

    private static void assertRefused(
            Class<? extends OpenAIServiceException> type,
            String code,
            String question,
            OpenAiChatOptions.Builder options) {
        OpenAIServiceException refusal =
                assertThrows(type, () -> ask(question, options).call().content());
        CompletionException refused = assertThrows(
                CompletionException.class,
                () -> ask(question, options).stream().content().blockLast(TIMEOUT));
        OpenAIServiceException refusedStream = assertInstanceOf(type, refused.getCause());

        assertEquals(Optional.ofNullable(code), refusal.code());
        assertEquals(Optional.ofNullable(code), refusedStream.code());
    }

    private static String text(List<ChatResponse> streamed) {
        StringBuilder text = new StringBuilder();
        for (ChatResponse response : streamed) {
            if (response.getResult() != null && response.getResult().getOutput().getText() != null) {
                text.append(response.getResult().getOutput().getText());
            }
        }
        return text.toString();
    }

    private static ChatClient.ChatClientRequestSpec ask(String question, OpenAiChatOptions.Builder options) {
        OpenAiChatModel model = OpenAiChatModel.builder()
                .options(options.build())
                .build();
        return ChatClient.create(model).prompt().user(question);
    }

    private static OpenAiChatOptions.Builder options() {
        return options("asked");
    }

    private static OpenAiChatOptions.Builder options(String request) {
        return OpenAiChatOptions.builder()
                .baseUrl(Chats.URL)
                .apiKey("none")
                .model("simulator")
                .customHeaders(Map.of("X-Client-Id", "spring-ai", "X-Request-Id", request));
    }
}
