package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.CompletionRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.GenerationRequest;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Role;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.upstream.UpstreamLimits;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An answer as a test sees it: its events, and the failure that ended it, or null. */
record Answers(List<ChatEvent> events, @Nullable LlmFailure failure) {

    static final Duration TIMEOUT = Duration.ofSeconds(10);
    static final ModelId MODEL = new ModelId("simulator");

    static OllamaSettings settings(URI baseUrl) {
        return settings(baseUrl, TIMEOUT, TIMEOUT, 16, Duration.ofSeconds(10));
    }

    static OllamaSettings settings(
            URI baseUrl, Duration firstToken, Duration idle, int concurrentGenerations, Duration openDuration) {
        return new OllamaSettings(
                baseUrl,
                8192,
                Duration.ofMinutes(5),
                new UpstreamLimits(Duration.ofSeconds(2), firstToken, idle, concurrentGenerations, openDuration));
    }

    static ChatRequest question(String text) {
        return new ChatRequest(List.of(new Message(Role.USER, text)), GenerationOptions.DEFAULTS);
    }

    static CompletionRequest completion(String prompt, @Nullable String suffix) {
        return new CompletionRequest(prompt, suffix, GenerationOptions.DEFAULTS);
    }

    static Answers from(URI baseUrl) {
        return from(baseUrl, question("Hi"));
    }

    static Answers from(URI baseUrl, GenerationRequest request) {
        try (Ollama ollama = new Ollama(settings(baseUrl), System::nanoTime)) {
            return from(ollama, request);
        }
    }

    static Answers from(Ollama ollama, String question) {
        return from(ollama, MODEL, question);
    }

    static Answers from(Ollama ollama, ModelId model, String question) {
        return from(ollama, model, question(question));
    }

    static Answers from(Ollama ollama, GenerationRequest request) {
        return from(ollama, MODEL, request);
    }

    static Answers from(Ollama ollama, ModelId model, GenerationRequest request) {
        List<ChatEvent> events = new ArrayList<>();
        try {
            ollama.chatModel()
                    .open(model, request)
                    .events()
                    .doOnNext(events::addAll)
                    .blockLast(TIMEOUT);
            return new Answers(events, null);
        } catch (LlmException e) {
            return new Answers(events, e.failure());
        }
    }

    String text() {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event instanceof TextDelta delta ? delta.text() : ""));
        return text.toString();
    }

    String thinking() {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event instanceof ThinkingDelta delta ? delta.text() : ""));
        return text.toString();
    }
}
