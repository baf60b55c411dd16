package dev.localllm.api.openai.chat;

import dev.localllm.api.json.Fields;
import dev.localllm.api.openai.FunctionFields;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import java.util.List;

/** Reads tool definitions, the tool choice, and the tool calls of earlier messages. */
final class ToolReader {

    private ToolReader() {}

    /** @param demands gets the schemas of strict functions */
    static List<ToolDefinition> tools(Fields fields, List<SchemaDemand> demands) {
        return FunctionFields.tools(fields, tool -> tool(tool, demands));
    }

    private static ToolDefinition tool(Fields tool, List<SchemaDemand> demands) {
        FunctionFields.requireFunction(tool);
        Fields function = function(tool);
        ToolDefinition definition = FunctionFields.definition(function, demands);
        function.end(CompletionFields.FUNCTION);
        tool.end(CompletionFields.TOOL);
        return definition;
    }

    static ToolChoice choice(Fields fields) {
        return FunctionFields.choice(fields, ToolReader::chosen);
    }

    private static String chosen(Fields choice) {
        FunctionFields.requireFunction(choice);
        Fields function = function(choice);
        String name = FunctionFields.name(function);
        function.end(CompletionFields.CHOSEN_FUNCTION);
        choice.end(CompletionFields.TOOL_CHOICE);
        return name;
    }

    static Part.ToolCall call(Fields call) {
        String id = call.string("id");
        if (id == null || id.isEmpty()) {
            throw call.missing("id", "the call's id");
        }
        FunctionFields.requireFunction(call);
        Fields function = function(call);
        String name = FunctionFields.calledName(function);
        String arguments = FunctionFields.arguments(function);
        function.end(CompletionFields.CALLED_FUNCTION);
        call.end(CompletionFields.TOOL_CALL);
        return new Part.ToolCall(id, name, arguments);
    }

    private static Fields function(Fields fields) {
        Fields function = fields.object("function");
        if (function == null) {
            throw fields.missing("function", "an object");
        }
        return function;
    }
}
