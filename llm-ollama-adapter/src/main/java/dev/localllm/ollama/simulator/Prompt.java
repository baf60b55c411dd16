package dev.localllm.ollama.simulator;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * A chat or generate request, parsed as Ollama does, with Ollama's error texts.
 *
 * @param name the model's name, as the caller wrote it
 * @param suffix of a generate request: the text after the gap to fill; empty if there is no gap
 * @param promptTokens how many tokens the messages, the suffix and the tools are
 * @param tools definitions; empty or missing if there are none
 * @param thinking null for no thinking
 * @param format null for any text
 * @param logprobs null for none
 * @param maxTokens 0 means no limit
 */
record Prompt(
        String name,
        SimulatedModel model,
        boolean chat,
        Conversation conversation,
        String suffix,
        int promptTokens,
        JsonNode tools,
        @Nullable ThinkLevel thinking,
        @Nullable Format format,
        @Nullable Logprobs logprobs,
        boolean stream,
        int maxTokens,
        List<String> stop,
        long seed,
        int contextTokens,
        @Nullable Duration keepAlive) {

    static final int DEFAULT_CONTEXT = 4096;
    private static final int MIN_CONTEXT = 256;
    private static final int MESSAGE_TOKENS = 4;
    private static final int IMAGE_TOKENS = 256;
    private static final List<String> NUMBERS =
            List.of("temperature", "top_p", "frequency_penalty", "presence_penalty", "repeat_penalty");
    private static final List<String> INTEGERS = List.of("num_predict", "num_ctx", "seed", "top_k");
    private static final Pattern GO_DURATION = Pattern.compile("-?\\d+(\\.\\d+)?(s|m|h)");

    static Prompt parse(JsonNode request, boolean chat) {
        String struct = chat ? "ChatRequest" : "GenerateRequest";
        GoJson.typed(request.path("model"), struct + ".model", JsonNode::isString, "string");
        GoJson.typed(request.path("stream"), struct + ".stream", JsonNode::isBoolean, "bool");
        JsonNode tools = chat ? request.path("tools") : MissingNode.getInstance();
        GoJson.typed(tools, struct + ".tools", JsonNode::isArray, "api.Tools");
        String suffix = chat ? "" : suffix(request);
        ThinkLevel.check(request.path("think"));
        Conversation conversation = new Conversation(chat ? Message.chat(request) : Message.generate(request));
        Logprobs logprobs = Logprobs.parse(request, struct);
        String name = request.path("model").asString("");
        SimulatedModel model = model(name, chat);
        checkAbilities(request, suffix, name, model, chat);
        if (!conversation.imageSizes().isEmpty() && !model.can("vision")) {
            throw Refusal.byRunner("Multimodal data provided, but model does not support multimodal requests.");
        }
        JsonNode options = options(request);
        Prompt prompt = new Prompt(
                name,
                model,
                chat,
                conversation,
                suffix,
                promptTokens(conversation, suffix, tools),
                tools,
                model.can("thinking") ? ThinkLevel.of(request.path("think")) : null,
                Format.parse(request.path("format")),
                logprobs,
                request.path("stream").asBoolean(true),
                Math.max(0, options.path("num_predict").asInt(0)),
                strings(options.path("stop")),
                options.path("seed").asLong(0),
                Math.max(MIN_CONTEXT, options.path("num_ctx").asInt(DEFAULT_CONTEXT)),
                keepAlive(request.path("keep_alive")));
        prompt.checkContext(request);
        return prompt;
    }

    private static int promptTokens(Conversation conversation, String suffix, JsonNode tools) {
        int tokens = Storyteller.tokens(suffix).size();
        tokens += tools.isEmpty() ? 0 : Storyteller.tokens(tools.toString()).size();
        for (Message message : conversation.messages()) {
            tokens += MESSAGE_TOKENS
                    + Storyteller.tokens(message.text()).size()
                    + IMAGE_TOKENS * message.imageSizes().size();
            if (!message.toolCalls().isEmpty()) {
                tokens += Storyteller.tokens(message.toolCalls().toString()).size();
            }
        }
        return tokens;
    }

    private void checkContext(JsonNode request) {
        int tokens = promptTokens;
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

    private static void checkAbilities(
            JsonNode request, String suffix, String name, SimulatedModel model, boolean chat) {
        if (!model.can("completion")) {
            throw new Refusal(400, "\"" + name + "\" does not support " + (chat ? "chat" : "generate"));
        }
        if (chat && !request.path("tools").isEmpty() && !model.can("tools")) {
            throw new Refusal(400, "registry.ollama.ai/library/" + tagged(name) + " does not support tools");
        }
        if (!suffix.isEmpty() && !model.can("insert")) {
            throw new Refusal(400, "registry.ollama.ai/library/" + tagged(name) + " does not support insert");
        }
        if (ThinkLevel.isDemanded(request.path("think")) && !model.can("thinking")) {
            throw new Refusal(400, "\"" + name + "\" does not support thinking");
        }
    }

    private static String suffix(JsonNode request) {
        GoJson.typed(request.path("suffix"), "GenerateRequest.suffix", JsonNode::isString, "string");
        return request.path("suffix").asString("");
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

    static @Nullable Duration keepAlive(JsonNode node) {
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
}
