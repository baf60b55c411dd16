package dev.localllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LangChain4jTest {

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
