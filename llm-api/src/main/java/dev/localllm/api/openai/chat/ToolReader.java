package dev.localllm.api.openai.chat;

import dev.localllm.api.json.Fields;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** Reads tool definitions, the tool choice, and the tool calls of earlier messages. */
final class ToolReader {

    private static final int MAX_TOOLS = 128;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final String NAME_EXPECTED = "1 to 64 letters, digits, _, - and .";
    private static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{}}";
    private static final String CHOICES = "none, auto, required or a function";

    private ToolReader() {}

    /** @param demands gets the schemas of strict functions */
    static List<ToolDefinition> tools(Fields fields, List<SchemaDemand> demands) {
        List<ToolDefinition> tools = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Fields tool : fields.objects("tools")) {
            ToolDefinition read = tool(tool, demands);
            if (!names.add(read.name())) {
                throw fields.wrong("tools", "functions with different names");
            }
            tools.add(read);
        }
        if (tools.size() > MAX_TOOLS) {
            throw fields.wrong("tools", "at most " + MAX_TOOLS + " functions");
        }
        return tools;
    }

    private static ToolDefinition tool(Fields tool, List<SchemaDemand> demands) {
        requireFunction(tool);
        Fields function = function(tool);
        String name = name(function);
        String description = function.string("description");
        JsonNode parameters = function.json("parameters");
        if (function.bool("strict") && parameters != null) {
            demands.add(SchemaDemand.ofArguments(name, function.path("parameters"), parameters));
        }
        function.end(CompletionFields.FUNCTION);
        tool.end(CompletionFields.TOOL);
        return new ToolDefinition(name, description, parameters == null ? NO_PARAMETERS : parameters.toString());
    }

    static ToolChoice choice(Fields fields) {
        if (fields.isAbsent("tool_choice")) {
            return new ToolChoice.Auto();
        }
        ToolChoice choice = fields.isString("tool_choice") ? mode(fields) : named(fields);
        boolean needsTools = !(choice instanceof ToolChoice.None || choice instanceof ToolChoice.Auto);
        if (needsTools && fields.objects("tools").isEmpty()) {
            throw fields.wrong("tool_choice", "absent, unless there are tools");
        }
        return choice;
    }

    private static ToolChoice mode(Fields fields) {
        return switch (fields.string("tool_choice")) {
            case "none" -> new ToolChoice.None();
            case "required" -> new ToolChoice.Required();
            case "auto" -> new ToolChoice.Auto();
            case null, default -> throw fields.wrong("tool_choice", CHOICES);
        };
    }

    private static ToolChoice named(Fields fields) {
        Fields choice = fields.object("tool_choice");
        if (choice == null) {
            throw fields.wrong("tool_choice", CHOICES);
        }
        requireFunction(choice);
        Fields function = function(choice);
        String name = name(function);
        function.end(CompletionFields.CHOSEN_FUNCTION);
        choice.end(CompletionFields.TOOL_CHOICE);
        return new ToolChoice.Function(name);
    }

    static Part.ToolCall call(Fields call) {
        String id = call.string("id");
        if (id == null || id.isEmpty()) {
            throw call.missing("id", "the call's id");
        }
        requireFunction(call);
        Fields function = function(call);
        String name = function.string("name");
        if (name == null || name.isEmpty()) {
            throw function.missing("name", "the function's name");
        }
        String arguments = function.string("arguments");
        if (arguments == null) {
            throw function.missing("arguments", "a JSON object, as a string");
        }
        String object = arguments.isBlank() ? "{}" : arguments; // some models' calls without arguments
        if (!Fields.isObject(object)) {
            throw function.wrong("arguments", "a JSON object, as a string");
        }
        function.end(CompletionFields.CALLED_FUNCTION);
        call.end(CompletionFields.TOOL_CALL);
        return new Part.ToolCall(id, name, object);
    }

    private static void requireFunction(Fields fields) {
        if (!"function".equals(fields.string("type"))) {
            throw fields.isAbsent("type") ? fields.missing("type", "function") : fields.wrong("type", "function");
        }
    }

    private static Fields function(Fields fields) {
        Fields function = fields.object("function");
        if (function == null) {
            throw fields.missing("function", "an object");
        }
        return function;
    }

    private static String name(Fields function) {
        String name = function.string("name");
        if (name == null) {
            throw function.missing("name", NAME_EXPECTED);
        }
        if (!NAME.matcher(name).matches()) {
            throw function.wrong("name", NAME_EXPECTED);
        }
        return name;
    }
}
