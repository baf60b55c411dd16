package dev.localllm.ollama.simulator;

import java.util.List;

/** The messages of a request; empty for a load or unload. */
record Conversation(List<Message> messages) {

    boolean isEmpty() {
        return messages.isEmpty();
    }

    Message last() {
        return messages.getLast();
    }

    /** The text of the last message from the user, or an empty text. */
    String question() {
        int index = lastIndex("user");
        return index < 0 ? "" : messages.get(index).text();
    }

    /** How often the model called tools since the user's last message. */
    int toolTurns() {
        return (int) messages.subList(lastIndex("user") + 1, messages.size()).stream()
                .filter(message -> message.isFrom("assistant"))
                .filter(message -> !message.toolCalls().isEmpty())
                .count();
    }

    /** The messages with the results of the last tool calls, if nothing came after them. */
    List<Message> toolResults() {
        int start = messages.size();
        while (start > 0 && messages.get(start - 1).isFrom("tool")) {
            start--;
        }
        return messages.subList(start, messages.size());
    }

    /** The name of the tool that a result is from. */
    String toolOf(Message result) {
        if (!result.toolName().isEmpty()) {
            return result.toolName();
        }
        return messages.stream()
                .flatMap(message -> message.toolCalls().valueStream())
                .filter(call -> call.path("id").asString("").equals(result.toolCallId()))
                .map(call -> call.path("function").path("name").asString(""))
                .findFirst()
                .orElse("unknown");
    }

    /** The sizes of all images. */
    List<Integer> imageSizes() {
        return messages.stream()
                .flatMap(message -> message.imageSizes().stream())
                .toList();
    }

    private int lastIndex(String role) {
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).isFrom(role)) {
                return i;
            }
        }
        return -1;
    }
}
