package dev.localllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.TokenStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LangChain4jTest {

    record Event(String name, Kind kind, int guests, String city) {}

    enum Kind {
        FAIR,
        TALK
    }

    interface Planner {
        Event plan(String question);
    }

    interface Assistant {
        String ask(String question);

        TokenStream stream(String question);
    }

    static class Weather {

        final List<String> cities = new CopyOnWriteArrayList<>();

        @Tool(name = "get_weather", value = "The temperature")
        int temperature(String city) {
            cities.add(city);
            return Chats.FORECAST;
        }
    }

    @Test
    void readsTheSameAnswerAtOnceAndInAStreamWithItsUsage() throws Exception {
        ChatResponse answer = model().build().chat(question(Chats.SHORT));
        ChatResponse streamed = stream(streaming().build(), question(Chats.SHORT)).get(30, TimeUnit.SECONDS);

        assertEquals(answer.aiMessage().text(), streamed.aiMessage().text());
        for (ChatResponse response : List.of(answer, streamed)) {
            assertEquals(FinishReason.STOP, response.finishReason());
            TokenUsage usage = response.tokenUsage();
            assertEquals(5, usage.outputTokenCount());
            assertEquals(usage.inputTokenCount() + 5, usage.totalTokenCount());
        }
    }

    @Test
    void throwsItsOwnTypes() {
        assertRefused(ModelNotFoundException.class, model().modelName("none"), streaming().modelName("none"), "Hi");
        assertRefused(InvalidRequestException.class, model().temperature(3.0), streaming().temperature(3.0), "Hi");
        assertRefused(InvalidRequestException.class, model(), streaming(), Chats.TOO_LONG);
    }

    /** It doesn't read when it may ask again. */
    @Test
    void asksAgainWhenTheRateLimitAllowsIt() throws Exception {
        Chats.useUpRateLimit("langchain4j");

        String answer = model().baseUrl(Chats.LIMITED_URL)
                .customHeaders(headers("langchain4j-limited"))
                .maxRetries(6)
                .build()
                .chat(Chats.SHORT);

        assertFalse(answer.isEmpty());
    }

    @Test
    void abortsAStreamAndTheModelWorksOnTheNextQuestion() throws Exception {
        CompletableFuture<Void> aborted = new CompletableFuture<>();
        streaming().customHeaders(headers("langchain4j-aborted")).build().chat(question(Chats.LONG), new Whole() {
            @Override
            public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
                context.streamingHandle().cancel();
                aborted.complete(null);
            }
        });
        aborted.get(30, TimeUnit.SECONDS);

        assertFalse(model().build().chat(Chats.SHORT).isEmpty());
    }

    @Test
    void callsAToolInTenTurnsStreamingOrNot() throws Exception {
        Weather weather = new Weather();
        Assistant assistant = AiServices.builder(Assistant.class)
                .chatModel(model().build())
                .streamingChatModel(streaming().build())
                .tools(weather)
                .build();

        assertEquals(Chats.REPORT, assistant.ask(Chats.WEATHER));
        assertEquals(Chats.CITIES, weather.cities);

        weather.cities.clear();
        CompletableFuture<ChatResponse> streamed = new CompletableFuture<>();
        assistant
                .stream(Chats.WEATHER)
                .onPartialResponse(part -> {})
                .onCompleteResponse(streamed::complete)
                .onError(streamed::completeExceptionally)
                .start();

        assertEquals(
                Chats.REPORT, streamed.get(30, TimeUnit.SECONDS).aiMessage().text());
        assertEquals(Chats.CITIES, weather.cities);
    }

    @Test
    void readsStructuredOutput() {
        OpenAiChatModel model = model().supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA)
                .strictJsonSchema(true)
                .build();

        Event event = AiServices.create(Planner.class, model).plan(Chats.EVENT);

        assertEquals(new Event("Fair", Kind.FAIR, 1, "Paris"), event);
    }

    @Test
    void showsAnImage() {
        String text = model().build()
                .chat(UserMessage.from(TextContent.from(Chats.SHORT), ImageContent.from(Chats.IMAGE)))
                .aiMessage()
                .text();

        assertTrue(text.startsWith(Chats.SEEN), text);
    }

    @Test
    void readsThoughtsWhichItCanTurnOff() throws Exception {
        assertFalse(thoughts("high").isEmpty());
        assertNull(thoughts("none"));
    }

    @Test
    void embedsTexts() {
        OpenAiEmbeddingModel model = OpenAiEmbeddingModel.builder()
                .baseUrl(Chats.URL)
                .apiKey("none")
                .modelName("simulator-embed")
                .build();

        List<Embedding> vectors = model.embedAll(
                        List.of(TextSegment.from("one"), TextSegment.from("two"), TextSegment.from("one")))
                .content();

        assertEquals(vectors.get(0), vectors.get(2));
        assertNotEquals(vectors.get(0), vectors.get(1));
    }

    private static String thoughts(String effort) throws Exception {
        ChatResponse answer = model().modelName("simulator-thinking")
                .reasoningEffort(effort)
                .returnThinking(true)
                .build()
                .chat(question(Chats.SHORT));
        ChatResponse streamed = stream(
                        streaming().modelName("simulator-thinking")
                                .reasoningEffort(effort)
                                .returnThinking(true)
                                .build(),
                        question(Chats.SHORT))
                .get(30, TimeUnit.SECONDS);

        assertEquals(answer.aiMessage().text(), streamed.aiMessage().text());
        assertEquals(answer.aiMessage().thinking(), streamed.aiMessage().thinking());
        return answer.aiMessage().thinking();
    }

    private static void assertRefused(
            Class<? extends Exception> type,
            OpenAiChatModel.OpenAiChatModelBuilder model,
            OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder streaming,
            String question) {
        assertThrows(type, () -> model.build().chat(question));
        ExecutionException refused = assertThrows(
                ExecutionException.class,
                () -> stream(streaming.build(), question(question)).get(30, TimeUnit.SECONDS));
        assertInstanceOf(type, refused.getCause());
    }

    private static CompletableFuture<ChatResponse> stream(OpenAiStreamingChatModel model, ChatRequest request) {
        Whole whole = new Whole();
        model.chat(request, whole);
        return whole.response;
    }

    private static ChatRequest question(String text) {
        return ChatRequest.builder().messages(UserMessage.from(text)).build();
    }

    private static OpenAiChatModel.OpenAiChatModelBuilder model() {
        return OpenAiChatModel.builder()
                .baseUrl(Chats.URL)
                .apiKey("none")
                .modelName("simulator")
                .customHeaders(headers("asked"))
                .timeout(Duration.ofSeconds(30));
    }

    private static OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder streaming() {
        return OpenAiStreamingChatModel.builder()
                .baseUrl(Chats.URL)
                .apiKey("none")
                .modelName("simulator")
                .customHeaders(headers("asked"))
                .timeout(Duration.ofSeconds(30));
    }

    private static Map<String, String> headers(String request) {
        return Map.of("X-Client-Id", "langchain4j", "X-Request-Id", request);
    }

    private static class Whole implements StreamingChatResponseHandler {

        final CompletableFuture<ChatResponse> response = new CompletableFuture<>();

        @Override
        public void onCompleteResponse(ChatResponse complete) {
            response.complete(complete);
        }

        @Override
        public void onError(Throwable e) {
            response.completeExceptionally(e);
        }
    }
}
