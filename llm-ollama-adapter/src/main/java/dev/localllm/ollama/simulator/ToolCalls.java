package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * The tool calls of a simulated model: it calls the tools that the user's last message names, in that order, once or as
 * often as the message says with {@code 3 times}. Pure.
 */
final class ToolCalls {

    private static final Pattern TIMES = Pattern.compile("(\\d{1,5}) times");
    private static final String ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final int ID_LENGTH = 8;

    private ToolCalls() {}

    /**
     * The calls of the next turn; none if the model answers with text.
     *
     * @param tools definitions, as in the request
     */
    static List<SimulatorWire.ToolCall> next(Conversation conversation, JsonNode tools, long seed) {
        boolean expected =
                conversation.last().isFrom("user") || conversation.last().isFrom("tool");
        String question = conversation.question();
        int turn = conversation.toolTurns();
        if (tools.isEmpty() || !expected || turn >= turns(question)) {
            return List.of();
        }
        Random random = new Random((question.hashCode() * 31L + seed) * 31 + turn);
        List<SimulatorWire.ToolCall> calls = new ArrayList<>();
        for (JsonNode function : named(question, tools)) {
            JsonNode arguments = Instances.arguments(function.path("parameters"), question);
            calls.add(new SimulatorWire.ToolCall(
                    id(random),
                    new SimulatorWire.Function(
                            calls.size(), function.path("name").asString(""), arguments)));
        }
        return calls;
    }

    /** What the model says about the results of its calls. */
    static String report(Conversation conversation) {
        return conversation.toolResults().stream()
                .map(result -> "The tool " + conversation.toolOf(result) + " said: \"" + result.text() + "\".")
                .collect(Collectors.joining(" "));
    }

    private static int turns(String question) {
        Matcher matcher = TIMES.matcher(question);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : 1;
    }

    private static List<JsonNode> named(String question, JsonNode tools) {
        record Mention(JsonNode function, int index) {}
        return tools.valueStream()
                .map(tool -> tool.path("function"))
                .flatMap(function -> Stream.of(new Mention(
                                function,
                                mention(question, function.path("name").asString(""))))
                        .filter(mention -> mention.index() >= 0))
                .sorted(Comparator.comparingInt(Mention::index))
                .map(Mention::function)
                .toList();
    }

    private static int mention(String question, String name) {
        if (name.isEmpty()) {
            return -1;
        }
        Matcher matcher = Pattern.compile("(?<![\\w-])" + Pattern.quote(name) + "(?![\\w-])")
                .matcher(question);
        return matcher.find() ? matcher.start() : -1;
    }

    private static String id(Random random) {
        StringBuilder id = new StringBuilder("call_");
        for (int i = 0; i < ID_LENGTH; i++) {
            id.append(ID_CHARACTERS.charAt(random.nextInt(ID_CHARACTERS.length())));
        }
        return id.toString();
    }
}
