package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Role;

/** Makes the body of POST /api/chat. */
final class ChatBodies {

    private ChatBodies() {}

    static OllamaWire.ChatBody of(ModelId model, ChatRequest request, OllamaSettings settings) {
        return new OllamaWire.ChatBody(
                model.value(),
                request.messages().stream().map(ChatBodies::message).toList(),
                true,
                false,
                false,
                settings.keepAlive().toSeconds() + "s",
                options(request.options(), settings));
    }

    private static OllamaWire.ChatMessage message(Message message) {
        return new OllamaWire.ChatMessage(role(message.role()), message.text());
    }

    private static String role(Role role) {
        return switch (role) {
            case SYSTEM -> "system";
            case USER -> "user";
            case ASSISTANT -> "assistant";
        };
    }

    private static OllamaWire.Options options(GenerationOptions options, OllamaSettings settings) {
        return new OllamaWire.Options(
                settings.contextTokens(),
                options.maxTokens(),
                options.temperature(),
                options.topP(),
                options.stop(),
                options.seed(),
                options.frequencyPenalty(),
                options.presencePenalty());
    }
}
