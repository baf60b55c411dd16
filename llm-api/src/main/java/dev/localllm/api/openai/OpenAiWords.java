package dev.localllm.api.openai;

import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Usage;

/** OpenAI's JSON for what streamed and whole answers say alike. */
final class OpenAiWords {

    private OpenAiWords() {}

    static String of(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case TOOL_CALLS -> "tool_calls";
        };
    }

    static String of(Usage usage) {
        return "{\"prompt_tokens\":" + usage.promptTokens() + ",\"completion_tokens\":" + usage.completionTokens()
                + ",\"total_tokens\":" + usage.totalTokens() + "}";
    }

    /** @param index the field that only streams have, or nothing */
    static String of(ToolCallDelta call, String index) {
        return "{" + index + "\"id\":" + quoted(call.id()) + ",\"type\":\"function\",\"function\":{\"name\":"
                + quoted(call.function()) + ",\"arguments\":" + quoted(call.arguments()) + "}}";
    }

    static String quoted(String text) {
        return JsonText.of(text).quoted();
    }
}
