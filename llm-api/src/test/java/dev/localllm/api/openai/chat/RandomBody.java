package dev.localllm.api.openai.chat;

import dev.localllm.api.openai.chat.RandomObject.Fault;
import dev.localllm.api.openai.chat.RandomObject.Notes;
import dev.localllm.api.openai.chat.RandomObject.Raw;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** A random valid body of POST /v1/chat/completions, for a context of 4096 tokens and models that stay for 5 minutes. */
final class RandomBody {

    private static final List<String> SCHEMAS = List.of(
            "{}", "{\"type\":\"object\",\"properties\":{\"n\":{\"minimum\":-1.5}}}", "{\"enum\":[1,\"가\",null,[]]}");
    private static final Map<String, Thinking> EFFORTS = Map.of(
            "none", Thinking.OFF,
            "minimal", Thinking.LOW,
            "low", Thinking.LOW,
            "medium", Thinking.MEDIUM,
            "high", Thinking.HIGH,
            "xhigh", Thinking.MAX);
    private static final List<Raw> TOO_MANY = IntStream.range(0, 129)
            .mapToObj(i -> new Raw("{\"type\":\"function\",\"function\":{\"name\":\"f" + i + "\"}}"))
            .toList();
    private static final Raw TRUE = new Raw("true");
    private static final Raw FALSE = new Raw("false");
    private static final String[] NO_STRING = {"5", "true", "[]", "{}", "99999999999999999999"};
    private static final String[] NO_BOOLEAN = {"0", "\"true\"", "[]", "{}", "99999999999999999999"};
    private static final String[] NO_OBJECT = {"5", "\"x\"", "[]", "true", "99999999999999999999"};

    private final Random random;
    private final Notes notes;
    private final RandomObject body;
    private final List<SchemaDemand> demands = new ArrayList<>();
    private final ChatBody expected;

    RandomBody(Random random) {
        this.random = random;
        this.notes = new Notes(random);
        this.body = new RandomObject(notes, "");
        String model = string("model", List.of("tiny", "qwen3:4b", "a/B@c-1.2_3"), "", "a b", "이");
        boolean stream = bool("stream", false);
        boolean includeUsage = includeUsage(stream);
        GenerationOptions options = options();
        List<ToolDefinition> tools = tools();
        ToolChoice choice = toolChoice(tools);
        if (choice instanceof ToolChoice.Function || choice instanceof ToolChoice.Required) {
            body.noteIgnored("stop", "logprobs", "top_logprobs");
        }
        ChatRequest chat = new ChatRequest(
                new RandomMessages(body, random).add(),
                options,
                tools,
                choice,
                bool("parallel_tool_calls", true),
                format(options.stop().isEmpty()),
                thinking());
        fieldsWithoutEffect();
        body.unknown("content", "role", "input", "format");
        expected = new ChatBody(
                model == null ? null : new ModelId(model),
                chat,
                stream,
                includeUsage,
                demands,
                sorted(notes.ignored()));
    }

    String json() {
        return body.toString();
    }

    /** What the reader must make of the body. Its ignored fields are sorted. */
    ChatBody expected() {
        return expected;
    }

    /** Paths of fields that the reader must not know, sorted. */
    List<String> unknown() {
        return sorted(notes.unknown());
    }

    /** Makes the body invalid. Returns the path of its only fault. */
    String spoil() {
        Fault fault = notes.faults().get(random.nextInt(notes.faults().size()));
        fault.inject().run();
        return fault.path();
    }

    private boolean includeUsage(boolean stream) {
        body.wrongJson("stream_options", NO_OBJECT);
        if (!stream) {
            body.absent("stream_options").wrongJson("stream_options", "{}", "{\"include_usage\":false}");
            return false;
        }
        if (random.nextInt(3) == 0) {
            body.absent("stream_options");
            return false;
        }
        RandomObject options = body.child("stream_options");
        boolean include = random.nextBoolean();
        optional(options, "include_usage", include ? TRUE : random.nextBoolean() ? FALSE : null);
        optional(options, "include_obfuscation", random.nextBoolean() ? FALSE : null);
        options.wrongJson("include_usage", NO_BOOLEAN);
        options.wrongJson("include_obfuscation", "true", "0", "\"false\"").unknown("stream");
        body.optional("stream_options", options);
        return include;
    }

    private GenerationOptions options() {
        Double temperature = number("temperature", 0, 2);
        Double topP = number("top_p", 0, 1);
        Long topK = integer("top_k", 1, Integer.MAX_VALUE);
        Double minP = number("min_p", 0, 1);
        Double repeatPenalty = number("repeat_penalty", 0, 2);
        Double frequencyPenalty = number("frequency_penalty", -2, 2);
        Double presencePenalty = number("presence_penalty", -2, 2);
        Long older = integer("max_tokens", 1, Integer.MAX_VALUE);
        Long newer = integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        return new GenerationOptions(
                temperature,
                topP,
                topK == null ? null : topK.intValue(),
                minP,
                repeatPenalty,
                frequencyPenalty,
                presencePenalty,
                newer != null ? Integer.valueOf(newer.intValue()) : older != null ? older.intValue() : null,
                stop(),
                integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
                topLogprobs());
    }

    private List<String> stop() {
        body.wrong("stop", "", List.of(""), List.of("a", "b", "c", "d", "e"))
                .wrongJson("stop", "5", "{}", "[null]", "[5]");
        List<String> stop = new ArrayList<>(List.of("a", "END", "\n", "가"));
        Collections.shuffle(stop, random);
        int count = random.nextInt(5);
        if (count == 1 && random.nextBoolean()) {
            body.optional("stop", stop.getFirst());
        } else if (count > 0 || random.nextBoolean()) {
            body.optional("stop", stop.subList(0, count));
        } else {
            body.absent("stop");
        }
        return stop.subList(0, count);
    }

    private @Nullable Integer topLogprobs() {
        boolean logprobs = bool("logprobs", false);
        Long top = integer("top_logprobs", 0, logprobs ? 20 : 0);
        return !logprobs ? null : top == null ? Integer.valueOf(0) : Integer.valueOf(top.intValue());
    }

    private List<ToolDefinition> tools() {
        List<ToolDefinition> read = new ArrayList<>();
        List<RandomObject> tools = new ArrayList<>();
        body.wrong("tools", TOO_MANY, List.of(TOO_MANY.getFirst(), TOO_MANY.getLast(), TOO_MANY.getFirst()));
        for (int i = Math.max(0, random.nextInt(5) - 1); i > 0; i--) {
            RandomObject tool = body.child("tools[" + tools.size() + "]");
            tools.add(tool);
            read.add(tool(tool, i));
        }
        if (tools.isEmpty() && random.nextBoolean()) {
            body.absent("tools").wrongJson("tools", "5", "{}");
        } else {
            body.objects("tools", tools);
        }
        return read;
    }

    private ToolDefinition tool(RandomObject tool, int number) {
        RandomObject function = tool.child("function");
        String name = List.of("f", "get_Weather", "a.b-c", "x".repeat(60)).get(random.nextInt(4)) + number;
        function.required("name", name)
                .wrong("name", "", "a b", "이", "x".repeat(65), "a\n")
                .wrongJson("name", NO_STRING);
        String description = random.nextBoolean() ? "What it does: 가" : null;
        String schema = random.nextInt(3) > 0 ? SCHEMAS.get(random.nextInt(SCHEMAS.size())) : null;
        boolean strict = random.nextBoolean();
        optional(function, "description", description);
        optional(function, "parameters", schema == null ? null : new Raw(schema));
        optional(function, "strict", strict ? TRUE : random.nextBoolean() ? FALSE : null);
        function.wrongJson("description", NO_STRING)
                .wrongJson("parameters", NO_OBJECT)
                .wrongJson("strict", NO_BOOLEAN);
        tool.required("type", "function")
                .wrong("type", "", "custom")
                .wrongJson("type", NO_STRING)
                .unknown("name");
        tool.required("function", function).wrongJson("function", NO_OBJECT);
        if (strict && schema != null) {
            demands.add(new SchemaDemand(
                    name, function.path("parameters"), JsonMapper.shared().readTree(schema), true));
        }
        function.unknown("arguments", "type");
        return new ToolDefinition(
                name, description, schema == null ? "{\"type\":\"object\",\"properties\":{}}" : schema);
    }

    private ToolChoice toolChoice(List<ToolDefinition> tools) {
        body.wrong("tool_choice", "", "any", "None").wrongJson("tool_choice", "5", "[]", "true");
        body.wrongAt("tool_choice", "tool_choice.type", new Raw("{}"), new Raw("{\"type\":\"allowed_tools\"}"));
        body.wrongAt("tool_choice", "tool_choice.function", new Raw("{\"type\":\"function\",\"function\":null}"));
        if (tools.isEmpty()) {
            body.wrong("tool_choice", "required");
        }
        return switch (random.nextInt(tools.isEmpty() ? 3 : 5)) {
            case 0 -> {
                body.absent("tool_choice");
                yield new ToolChoice.Auto();
            }
            case 1 -> {
                body.optional("tool_choice", "auto");
                yield new ToolChoice.Auto();
            }
            case 2 -> {
                body.optional("tool_choice", "none");
                yield new ToolChoice.None();
            }
            case 3 -> {
                body.optional("tool_choice", "required");
                body.wrongAt("tools", "tool_choice", List.of(), RandomObject.NULL);
                yield new ToolChoice.Required();
            }
            default -> named(tools.get(random.nextInt(tools.size())).name());
        };
    }

    private ToolChoice named(String name) {
        RandomObject choice = body.child("tool_choice");
        RandomObject function = choice.child("function");
        function.required("name", name)
                .wrong("name", "", "a b")
                .wrongJson("name", NO_STRING)
                .unknown("description");
        choice.required("type", "function")
                .wrong("type", "", "tool")
                .wrongJson("type", NO_STRING)
                .unknown("name");
        choice.required("function", function).wrongJson("function", NO_OBJECT);
        body.optional("tool_choice", choice).wrongAt("tools", "tool_choice", List.of(), RandomObject.NULL);
        return new ToolChoice.Function(name);
    }

    private ResponseFormat format(boolean complete) {
        body.wrongJson("response_format", NO_OBJECT);
        int type = random.nextInt(5);
        if (type == 0) {
            body.absent("response_format");
            return new ResponseFormat.Text();
        }
        RandomObject format = body.child("response_format");
        body.optional("response_format", format);
        format.wrong("type", "", "xml", "JSON_OBJECT").wrongJson("type", NO_STRING);
        return switch (type) {
            case 1 -> {
                format.required("type", "text").unknown("json_schema", "schema");
                yield new ResponseFormat.Text();
            }
            case 2 -> {
                format.required("type", "json_object").unknown("json_schema", "schema");
                demands.add(new SchemaDemand(null, "", null, false));
                yield new ResponseFormat.Json();
            }
            default -> jsonSchema(format.required("type", "json_schema").unknown("schema", "strict"), complete);
        };
    }

    private ResponseFormat jsonSchema(RandomObject format, boolean complete) {
        String schema = SCHEMAS.get(random.nextInt(SCHEMAS.size()));
        boolean strict = random.nextBoolean();
        RandomObject named = format.child("json_schema");
        named.required("name", random.nextBoolean() ? "n" : "").wrongJson("name", NO_STRING);
        named.required("schema", new Raw(schema)).wrongJson("schema", NO_OBJECT);
        optional(named, "strict", strict ? TRUE : random.nextBoolean() ? FALSE : null);
        named.wrongJson("strict", NO_BOOLEAN).ignored("description").unknown("type");
        format.required("json_schema", named).wrongJson("json_schema", NO_OBJECT);
        demands.add(new SchemaDemand(
                null, "response_format.json_schema.schema", JsonMapper.shared().readTree(schema), strict && complete));
        return new ResponseFormat.JsonSchema(schema);
    }

    private Thinking thinking() {
        String effort = string("reasoning_effort", sorted(List.copyOf(EFFORTS.keySet())), "", "very", "None");
        Boolean enabled = enabled(effort);
        if (effort != null) {
            body.wrongJson("chat_template_kwargs", "{\"enable_thinking\":" + effort.equals("none") + "}");
            return EFFORTS.getOrDefault(effort, Thinking.MODEL_DEFAULT);
        }
        return enabled == null ? Thinking.MODEL_DEFAULT : enabled ? Thinking.ON : Thinking.OFF;
    }

    /** Adds whether to think, as the effort says. */
    private @Nullable Boolean enabled(@Nullable String effort) {
        body.wrongJson("chat_template_kwargs", NO_OBJECT);
        if (random.nextBoolean()) {
            body.absent("chat_template_kwargs");
            return null;
        }
        RandomObject options = body.child("chat_template_kwargs");
        body.optional("chat_template_kwargs", options);
        options.wrongJson("enable_thinking", NO_BOOLEAN).unknown("reasoning_effort", "thinking");
        if (random.nextInt(3) == 0) {
            options.absent("enable_thinking");
            return null;
        }
        boolean enabled = effort == null ? random.nextBoolean() : !effort.equals("none");
        options.optional("enable_thinking", enabled ? TRUE : FALSE);
        return enabled;
    }

    /** Fields that are checked only. */
    private void fieldsWithoutEffect() {
        only("num_ctx", new Raw("4096"));
        body.wrongJson("num_ctx", "4095", "0", "4096.0", "\"4096\"", "9223372036854775808");
        only("keep_alive", "5m", "300s", "300000ms", new Raw("300"));
        body.wrong("keep_alive", "", "5", "10m", "-5m", "soon")
                .wrongJson("keep_alive", "-1", "0", "3e2", "true", "{}", "9".repeat(20));
        only("n", new Raw("1"));
        body.wrongJson("n", "0", "2", "1.0", "\"1\"", "[1]", "4294967297", "9".repeat(20), "9".repeat(900));
        for (String name :
                List.of("user", "safety_identifier", "service_tier", "prompt_cache_key", "prompt_cache_retention")) {
            only(name, "", "me 가");
            body.wrongJson(name, NO_STRING);
        }
        for (String name : List.of("metadata", "prediction")) {
            only(name, new Raw("{}"), new Raw("{\"a\":{\"b\":[]}}"));
            body.wrongJson(name, NO_OBJECT);
        }
        only("store", FALSE);
        body.wrongJson("store", "true", "0", "\"false\"");
        only("modalities", List.of("text"));
        body.wrongJson("modalities", "[]", "\"text\"", "[\"text\",\"audio\"]", "[\"audio\"]", "{\"0\":\"text\"}");
        only("verbosity", "medium");
        body.wrongJson("verbosity", "\"low\"", "5", "[\"medium\"]", "9".repeat(20));
        only("logit_bias", new Raw("{}"));
        body.wrongJson("logit_bias", "{\"1\":2}", "[]", "5");
        only("functions", List.of());
        body.wrongJson("functions", "[{}]", "{}", "5");
        only("function_call", "none", "auto");
        body.wrongJson("function_call", "{\"name\":\"f\"}", "\"f\"", "5", "[]");
        body.absent("audio").wrongJson("audio", "{}", "[]", "false").absent("web_search_options");
        body.wrongJson("web_search_options", "{}", "\"x\"", "0");
    }

    private void only(String name, Object... values) {
        optional(body, name, random.nextInt(3) == 0 ? values[random.nextInt(values.length)] : null);
    }

    private static void optional(RandomObject object, String name, @Nullable Object value) {
        if (value == null) {
            object.absent(name);
        } else {
            object.optional(name, value);
        }
    }

    private @Nullable String string(String name, List<String> values, String... wrong) {
        String value = random.nextInt(3) == 0 ? null : values.get(random.nextInt(values.size()));
        optional(body, name, value);
        body.wrong(name, (Object[]) wrong).wrongJson(name, NO_STRING);
        return value;
    }

    private boolean bool(String name, boolean absent) {
        body.wrongJson(name, NO_BOOLEAN);
        if (random.nextInt(3) == 0) {
            body.absent(name);
            return absent;
        }
        boolean value = random.nextBoolean();
        body.optional(name, value ? TRUE : FALSE);
        return value;
    }

    private @Nullable Double number(String name, int min, int max) {
        body.wrongJson(
                name,
                "\"" + min + "\"",
                "true",
                "[]",
                "1e400",
                "-1e400",
                max + ".0001",
                (min - 1) + ".5",
                "9".repeat(400));
        if (random.nextInt(3) == 0) {
            body.absent(name);
            return null;
        }
        BigDecimal value = new BigDecimal(min + (max - min) * random.nextDouble())
                .setScale(random.nextInt(20), RoundingMode.HALF_EVEN);
        String text = random.nextBoolean() ? value.toPlainString() : value.unscaledValue() + "E-" + value.scale();
        body.optional(name, new Raw(text));
        return Double.valueOf(text);
    }

    private @Nullable Long integer(String name, long min, long max) {
        BigDecimal below = new BigDecimal(min).subtract(BigDecimal.ONE);
        BigDecimal above = new BigDecimal(max).add(BigDecimal.ONE);
        body.wrongJson(
                name,
                "\"" + min + "\"",
                "true",
                "{}",
                "1.5",
                "1.0",
                "1e0",
                below.toPlainString(),
                above.toPlainString());
        if (random.nextInt(3) == 0) {
            body.absent(name);
            return null;
        }
        long value = switch (random.nextInt(3)) {
            case 0 -> min;
            case 1 -> max;
            default -> min == Long.MIN_VALUE ? random.nextLong() : min + random.nextLong(max - min + 1);
        };
        body.optional(name, new Raw(Long.toString(value)));
        return value;
    }

    private static List<String> sorted(List<String> paths) {
        return paths.stream().sorted().toList();
    }
}
