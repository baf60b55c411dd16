package dev.localllm.ollama.simulator;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.databind.JsonNode;

/**
 * A chat or generate request, parsed as Ollama does, with Ollama's error texts.
 *
 * @param name the model's name, as the caller wrote it
 * @param texts texts of the messages, or the single prompt; empty for a load or unload
 * @param maxTokens 0 means no limit
 */
record Prompt(
        String name,
        SimulatedModel model,
        boolean chat,
        List<String> texts,
        boolean stream,
        int maxTokens,
        List<String> stop,
        long seed,
        int contextTokens,
        @Nullable Duration keepAlive) {

    static final int DEFAULT_CONTEXT = 4096;
    private static final int MIN_CONTEXT = 256;
    private static final List<String> NUMBERS =
            List.of("temperature", "top_p", "frequency_penalty", "presence_penalty", "repeat_penalty");
    private static final List<String> INTEGERS = List.of("num_predict", "num_ctx", "seed", "top_k");
    private static final Pattern GO_DURATION = Pattern.compile("-?\\d+(\\.\\d+)?(s|m|h)");

    static Prompt parse(JsonNode request, boolean chat) {
        String struct = chat ? "ChatRequest" : "GenerateRequest";
        typed(request, struct, "model", JsonNode::isString, "string");
        typed(request, struct, "stream", JsonNode::isBoolean, "bool");
        typed(request, struct, "tools", JsonNode::isArray, "api.Tools");
        String name = request.path("model").asString("");
        SimulatedModel model = model(name, chat);
        List<String> texts = chat ? messages(request) : prompt(request);
        checkAbilities(request, name, model, chat);
        refuseImages(request);
        JsonNode options = options(request);
        Prompt prompt = new Prompt(
                name,
                model,
                chat,
                texts,
                request.path("stream").asBoolean(true),
                Math.max(0, options.path("num_predict").asInt(0)),
                strings(options.path("stop")),
                options.path("seed").asLong(0),
                Math.max(MIN_CONTEXT, options.path("num_ctx").asInt(DEFAULT_CONTEXT)),
                keepAlive(request.path("keep_alive")));
        prompt.checkContext(request);
        return prompt;
    }

    static JsonNode json(byte[] body, String type) {
        if (body.length == 0) {
            throw new Refusal(400, "missing request body");
        }
        JsonNode node;
        try {
            node = SimulatorWire.MAPPER.readTree(body);
        } catch (UnexpectedEndOfInputException e) {
            throw new Refusal(400, "unexpected EOF");
        } catch (JacksonException e) {
            throw new Refusal(400, "invalid character in JSON text");
        }
        if (!node.isObject()) {
            throw new Refusal(400, "json: cannot unmarshal " + goType(node) + " into Go value of type " + type);
        }
        return node;
    }

    int promptTokens() {
        return texts.stream()
                .mapToInt(text -> Storyteller.tokens(text).size() + 4)
                .sum();
    }

    private void checkContext(JsonNode request) {
        int tokens = promptTokens();
        if (tokens <= contextTokens) {
            return;
        }
        if (!request.path("truncate").asBoolean(true)) {
            String inner = "{\"error\":{\"code\":400,\"message\":\"request (" + tokens
                    + " tokens) exceeds the available context size (" + contextTokens
                    + " tokens), try increasing it\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":"
                    + tokens
                    + ",\"n_ctx\":" + contextTokens + "}}";
            throw new Refusal(400, inner);
        }
        if (!request.path("shift").asBoolean(true)) {
            throw new Refusal(
                    400,
                    "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length");
        }
    }

    private static SimulatedModel model(String name, boolean chat) {
        if (name.isEmpty() && chat) {
            throw new Refusal(400, "model is required");
        }
        SimulatedModel model = SimulatedModel.named(name);
        if (model == null) {
            throw new Refusal(404, "model '" + name + "' not found");
        }
        return model;
    }

    private static List<String> messages(JsonNode request) {
        typed(request, "ChatRequest", "messages", JsonNode::isArray, "[]api.Message");
        List<String> texts = new ArrayList<>();
        for (JsonNode message : request.path("messages")) {
            JsonNode content = message.path("content");
            if (!content.isString() && !content.isNull() && !content.isMissingNode()) {
                throw new Refusal(
                        400,
                        "json: cannot unmarshal " + goType(content)
                                + " into Go struct field ChatRequest.messages.content of type string");
            }
            texts.add(content.asString(""));
        }
        return texts;
    }

    private static List<String> prompt(JsonNode request) {
        String prompt = request.path("prompt").asString("");
        return prompt.isEmpty() ? List.of() : List.of(prompt);
    }

    private static void checkAbilities(JsonNode request, String name, SimulatedModel model, boolean chat) {
        if (!model.can("completion")) {
            throw new Refusal(400, "\"" + name + "\" does not support " + (chat ? "chat" : "generate"));
        }
        if (!request.path("tools").isEmpty()) {
            throw new Refusal(400, "registry.ollama.ai/library/" + tagged(name) + " does not support tools");
        }
        JsonNode think = request.path("think");
        if (think.isBoolean() ? think.booleanValue() : think.isString()) {
            throw new Refusal(400, "\"" + name + "\" does not support thinking");
        }
    }

    /** No model of the simulator supports images. */
    private static void refuseImages(JsonNode request) {
        boolean images = request.path("messages")
                .valueStream()
                .anyMatch(message -> !message.path("images").isEmpty());
        if (images || !request.path("images").isEmpty()) {
            throw new Refusal(
                    400,
                    "{\"error\":{\"code\":400,\"message\":\"Multimodal data provided, but model does not support multimodal requests.\",\"type\":\"invalid_request_error\"}}");
        }
    }

    private static String tagged(String name) {
        return name.indexOf(':') < 0 ? name + ":latest" : name;
    }

    private static JsonNode options(JsonNode request) {
        JsonNode options = request.path("options");
        NUMBERS.forEach(name -> option(options, name, options.path(name).isNumber(), "float32"));
        INTEGERS.forEach(name -> option(options, name, options.path(name).isIntegralNumber(), "integer"));
        return options;
    }

    private static void option(JsonNode options, String name, boolean valid, String type) {
        if (!valid && !options.path(name).isMissingNode()) {
            throw new Refusal(500, "option \"" + name + "\" must be of type " + type);
        }
    }

    private static List<String> strings(JsonNode array) {
        return array.valueStream().map(item -> item.asString("")).toList();
    }

    private static @Nullable Duration keepAlive(JsonNode node) {
        if (node.isNumber()) {
            return Duration.ofSeconds(node.longValue());
        }
        if (!node.isString()) {
            return null;
        }
        String text = node.stringValue();
        if (!GO_DURATION.matcher(text).matches()) {
            throw new Refusal(400, "time: invalid duration \"" + text + "\"");
        }
        return text.startsWith("-") ? Duration.ofSeconds(-1) : Duration.parse("PT" + text.toUpperCase(Locale.ROOT));
    }

    private static void typed(JsonNode request, String struct, String field, Predicate<JsonNode> valid, String type) {
        JsonNode value = request.path(field);
        if (!value.isMissingNode() && !value.isNull() && !valid.test(value)) {
            throw new Refusal(
                    400,
                    "json: cannot unmarshal " + goType(value) + " into Go struct field " + struct + "." + field
                            + " of type " + type);
        }
    }

    private static String goType(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> "string";
            case NUMBER -> "number";
            case BOOLEAN -> "bool";
            case ARRAY -> "array";
            default -> "object";
        };
    }
}
