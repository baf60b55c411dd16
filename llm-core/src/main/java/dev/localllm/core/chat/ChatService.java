package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.SystemPrompt;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The use case: check the prompt, choose the model, complete the prompt, generate. Thread-safe. */
public final class ChatService {

    private final ModelDirectory models;
    private final ChatModel chatModel;
    private final PromptLimits limits;
    private final int maxOutputTokens;
    private final @Nullable SystemPrompt systemPrompt;

    /**
     * @param maxOutputTokens ceiling of one response; a request's own limit counts when it is lower
     * @param systemPrompt put before chats that have no system message; null for none
     */
    public ChatService(
            ModelDirectory models,
            ChatModel chatModel,
            PromptLimits limits,
            int maxOutputTokens,
            @Nullable SystemPrompt systemPrompt) {
        this.models = models;
        this.chatModel = chatModel;
        this.limits = limits;
        this.maxOutputTokens = maxOutputTokens;
        this.systemPrompt = systemPrompt;
    }

    /**
     * Prepares an answer; the caller subscribes to its events to have it generated.
     *
     * @param model as the caller named it, or null for the default
     * @return the answer, or an {@link dev.localllm.core.failure.LlmException} if none will be generated
     */
    public Mono<ChatAnswer> answer(@Nullable ModelId model, ChatRequest request) {
        return Mono.defer(() -> {
                    limits.check(request.messages().size(), characters(request));
                    return models.resolve(model);
                })
                .map(target -> new ChatAnswer(target, chatModel.stream(target, completed(request))));
    }

    private static long characters(ChatRequest request) {
        return request.messages().stream()
                .mapToLong(message -> message.text().length())
                .sum();
    }

    private ChatRequest completed(ChatRequest request) {
        return new ChatRequest(
                withSystemPrompt(request.messages()), request.options().withMaxTokens(maxOutputTokens));
    }

    private List<Message> withSystemPrompt(List<Message> messages) {
        if (systemPrompt == null || messages.stream().anyMatch(message -> message.role() == Role.SYSTEM)) {
            return messages;
        }
        List<Message> completed = new ArrayList<>(messages);
        completed.addFirst(new Message(Role.SYSTEM, systemPrompt.text()));
        return completed;
    }
}
