package dev.localllm.api.openai;

import dev.localllm.api.json.Fields;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** Reads the fields of functions that several routes share, whatever object they are in. */
public final class FunctionFields {

    private static final int MAX_TOOLS = 128;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final String NAME_EXPECTED = "1 to 64 letters, digits, _, - and .";
    private static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{}}";
    private static final String CHOICES = "none, auto, required or a function";
    private static final String ARGUMENTS = "a JSON object, as a string";

    private FunctionFields() {}

    /**
     * The functions in the field {@code tools}; empty if it is absent.
     *
     * @param reader reads one of them
     */
    public static List<ToolDefinition> tools(Fields fields, Function<Fields, ToolDefinition> reader) {
        List<ToolDefinition> tools = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Fields item : fields.objects("tools")) {
            ToolDefinition read = reader.apply(item);
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

    /**
     * A function: {@code name}, {@code description}, {@code parameters} and {@code strict}.
     *
     * @param demands gets the schema of a strict function
     */
    public static ToolDefinition definition(Fields function, List<SchemaDemand> demands) {
        String name = name(function);
        String description = function.string("description");
        JsonNode parameters = function.json("parameters");
        if (function.bool("strict") && parameters != null) {
            demands.add(SchemaDemand.ofArguments(name, function.path("parameters"), parameters));
        }
        return new ToolDefinition(name, description, parameters == null ? NO_PARAMETERS : parameters.toString());
    }

    /**
     * The field {@code tool_choice}; auto if it is absent.
     *
     * @param named reads the name of a function from an object
     */
    public static ToolChoice choice(Fields fields, Function<Fields, String> named) {
        if (fields.isAbsent("tool_choice")) {
            return new ToolChoice.Auto();
        }
        ToolChoice choice = fields.isString("tool_choice") ? mode(fields) : function(fields, named);
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

    private static ToolChoice function(Fields fields, Function<Fields, String> named) {
        Fields choice = fields.object("tool_choice");
        if (choice == null) {
            throw fields.wrong("tool_choice", CHOICES);
        }
        return new ToolChoice.Function(named.apply(choice));
    }

    /** Requires the type {@code function}. */
    public static void requireFunction(Fields fields) {
        if (!"function".equals(fields.string("type"))) {
            throw fields.isAbsent("type") ? fields.missing("type", "function") : fields.wrong("type", "function");
        }
    }

    /** The name of a function. */
    public static String name(Fields function) {
        String name = function.string("name");
        if (name == null) {
            throw function.missing("name", NAME_EXPECTED);
        }
        if (!NAME.matcher(name).matches()) {
            throw function.wrong("name", NAME_EXPECTED);
        }
        return name;
    }

    /** The name of a called function, which may be none of the tools. */
    public static String calledName(Fields function) {
        String name = function.string("name");
        if (name == null || name.isEmpty()) {
            throw function.missing("name", "the function's name");
        }
        return name;
    }

    /** The arguments of a call: a JSON object. Blank ones, as of some models' calls without arguments, are empty. */
    public static String arguments(Fields function) {
        String arguments = function.string("arguments");
        if (arguments == null) {
            throw function.missing("arguments", ARGUMENTS);
        }
        String object = arguments.isBlank() ? "{}" : arguments;
        if (!Fields.isObject(object)) {
            throw function.wrong("arguments", ARGUMENTS);
        }
        return object;
    }
}
