package dev.localllm.api.openai.response;

import dev.localllm.api.json.Fields;
import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CommonFields;
import dev.localllm.api.openai.FunctionFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.PromptField;
import dev.localllm.api.openai.SchemaFields;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Role;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/** Reads the body of POST /v1/responses. Thread-safe. */
public final class ResponseReader {

    private static final int MAX_TOP_LOGPROBS = 20;
    private static final int MAX_INCLUDED = 16;
    private static final int MAX_LABELS = 16;
    private static final int MAX_LABEL = 512;
    private static final String LOGPROBS = "message.output_text.logprobs";
    private static final Set<String> INCLUDED = Set.of(LOGPROBS, "reasoning.encrypted_content");
    private static final Set<String> SUMMARIES = Set.of("auto", "concise", "detailed");
    private static final String FORMATS = "text, json_object or json_schema";
    private static final String SCHEMA_FORMAT = "json_schema";
    private static final List<String> SCHEMA_FIELDS = List.of("type", "name", "schema", "strict");
    private static final RawValue TEXT = Echo.raw("{\"type\":\"text\"}");

    private final UnknownFields unknown;
    private final LoadOptions loadOptions;

    /** Creates a reader. Requests may repeat the configured load options. */
    public ResponseReader(UnknownFields unknown, LoadOptions loadOptions) {
        this.unknown = unknown;
        this.loadOptions = loadOptions;
    }

    /** Throws an {@link dev.localllm.core.failure.LlmException} that names the first invalid field. */
    ResponseRequest read(InputStream body) {
        Fields fields = Fields.parse(body, unknown);
        List<SchemaDemand> demands = new ArrayList<>();
        boolean stream = fields.bool("stream");
        readStreamOptions(fields, stream);
        ModelId model = CommonFields.model(fields);
        Integer maxTokens = CommonFields.toInt(fields.integer("max_output_tokens", 1, Integer.MAX_VALUE));
        GenerationOptions options = CommonFields.options(fields, maxTokens, topLogprobs(fields));
        String instructions = fields.string("instructions");
        ToolChoice choice = FunctionFields.choice(fields, ResponseReader::chosen);
        List<ToolDefinition> tools = FunctionFields.tools(fields, tool -> tool(tool, demands));
        Fields text = fields.object("text");
        Fields reasoning = fields.object("reasoning");
        ChatRequest chat = new ChatRequest(
                messages(instructions, fields),
                options,
                tools,
                choice,
                fields.bool("parallel_tool_calls", true),
                format(text, options.stop().isEmpty(), demands),
                thinking(reasoning),
                PromptField.read(fields));
        Echo echo = new Echo(
                Echo.text(instructions),
                maxTokens,
                chat.parallelToolCalls(),
                reasoning(reasoning),
                options.temperature(),
                new Echo.Text(format(text)),
                Echo.of(choice),
                tools.stream()
                        .map(tool -> Echo.Tool.of(tool, isStrict(tool, demands)))
                        .toList(),
                options.topP(),
                Echo.text(user(fields)),
                Echo.raw(metadata(fields)));
        loadOptions.check(fields);
        if (choice instanceof ToolChoice.Function || choice instanceof ToolChoice.Required) {
            fields.ignore("stop", "top_logprobs");
            if (options.topLogprobs() != null) {
                fields.ignore("include");
            }
        }
        fields.end(ResponseFields.BODY);
        return new ResponseRequest(model, chat, stream, echo, demands, fields.ignored());
    }

    private static List<Message> messages(@Nullable String instructions, Fields fields) {
        List<Message> input = InputReader.messages(fields);
        return instructions == null || instructions.isEmpty() ? input : instructed(instructions, input);
    }

    /** Joined to a first system message: the templates of many models allow no second one. */
    private static List<Message> instructed(String instructions, List<Message> input) {
        List<Part> parts = new ArrayList<>();
        parts.add(new Part.Text(instructions));
        List<Message> messages = new ArrayList<>(input);
        if (input.getFirst().role() == Role.SYSTEM) {
            parts.addAll(messages.removeFirst().parts());
        }
        messages.addFirst(new Message(Role.SYSTEM, parts));
        return messages;
    }

    private static void readStreamOptions(Fields fields, boolean stream) {
        Fields options = fields.object("stream_options");
        if (options != null) {
            if (!stream) {
                throw fields.wrong("stream_options", "absent, unless stream is true");
            }
            options.end(ResponseFields.STREAM_OPTIONS);
        }
    }

    /** Null for no log probabilities. */
    private static @Nullable Integer topLogprobs(Fields fields) {
        List<String> include = fields.strings("include", MAX_INCLUDED);
        if (!INCLUDED.containsAll(include)) {
            throw fields.wrong(
                    "include", String.join(" or ", INCLUDED.stream().sorted().toList()));
        }
        boolean logprobs = include.contains(LOGPROBS);
        Integer alternatives = CommonFields.toInt(fields.integer("top_logprobs", 0, MAX_TOP_LOGPROBS));
        if (!logprobs && alternatives != null && alternatives > 0) {
            throw fields.wrong("top_logprobs", "absent, unless include has " + LOGPROBS);
        }
        return logprobs ? alternatives == null ? Integer.valueOf(0) : alternatives : null;
    }

    private static ToolDefinition tool(Fields tool, List<SchemaDemand> demands) {
        FunctionFields.requireFunction(tool);
        ToolDefinition definition = FunctionFields.definition(tool, demands);
        tool.end(ResponseFields.TOOL);
        return definition;
    }

    private static boolean isStrict(ToolDefinition tool, List<SchemaDemand> demands) {
        return demands.stream().anyMatch(demand -> tool.name().equals(demand.function()));
    }

    private static String chosen(Fields choice) {
        FunctionFields.requireFunction(choice);
        String name = FunctionFields.name(choice);
        choice.end(ResponseFields.TOOL_CHOICE);
        return name;
    }

    private static ResponseFormat format(@Nullable Fields text, boolean complete, List<SchemaDemand> demands) {
        Fields format = text == null ? null : text.object("format");
        ResponseFormat read = format == null ? new ResponseFormat.Text() : read(format, complete, demands);
        if (text != null) {
            text.end(ResponseFields.TEXT);
        }
        return read;
    }

    private static ResponseFormat read(Fields format, boolean complete, List<SchemaDemand> demands) {
        ResponseFormat read = switch (format.string("type")) {
            case "text" -> new ResponseFormat.Text();
            case "json_object" -> {
                demands.add(SchemaDemand.ofAnyObject());
                yield new ResponseFormat.Json();
            }
            case SCHEMA_FORMAT -> SchemaFields.format(format, complete, demands);
            case null -> throw format.missing("type", FORMATS);
            default -> throw format.wrong("type", FORMATS);
        };
        format.end(ResponseFields.FORMAT);
        return read;
    }

    /** The fields that were read: other types than that of a schema have none but their type. */
    private static RawValue format(@Nullable Fields text) {
        JsonNode format = text == null ? null : text.json("format");
        if (format == null) {
            return TEXT;
        }
        boolean hasSchema = SCHEMA_FORMAT.equals(format.path("type").asString(""));
        ObjectNode kept = JsonNodeFactory.instance.objectNode();
        for (String name : hasSchema ? SCHEMA_FIELDS : List.of("type")) {
            if (format.hasNonNull(name)) {
                kept.set(name, format.get(name));
            }
        }
        return Echo.raw(kept);
    }

    private static Thinking thinking(@Nullable Fields reasoning) {
        return reasoning == null ? Thinking.MODEL_DEFAULT : CommonFields.effort(reasoning, "effort");
    }

    private static Echo.Reasoning reasoning(@Nullable Fields reasoning) {
        if (reasoning == null) {
            return new Echo.Reasoning(null, null);
        }
        String summary = reasoning.string("summary");
        if (summary != null && !isSummary(summary)) {
            throw reasoning.wrong("summary", "auto, concise or detailed");
        }
        Echo.Reasoning read = new Echo.Reasoning(reasoning.string("effort"), summary);
        reasoning.end(ResponseFields.REASONING);
        return read;
    }

    static boolean isSummary(String name) {
        return SUMMARIES.contains(name);
    }

    private static @Nullable String user(Fields fields) {
        String user = fields.string("user");
        if (user != null && user.length() > MAX_LABEL) {
            throw fields.wrong("user", "at most " + MAX_LABEL + " characters");
        }
        return user;
    }

    private static @Nullable JsonNode metadata(Fields fields) {
        JsonNode metadata = fields.json("metadata");
        if (metadata != null
                && !(metadata.size() <= MAX_LABELS && metadata.propertyStream().allMatch(ResponseReader::isLabel))) {
            throw fields.wrong("metadata", "at most " + MAX_LABELS + " strings of up to " + MAX_LABEL + " characters");
        }
        return metadata;
    }

    private static boolean isLabel(Map.Entry<String, JsonNode> entry) {
        return entry.getKey().length() <= MAX_LABEL
                && entry.getValue().isString()
                && entry.getValue().stringValue().length() <= MAX_LABEL;
    }
}
