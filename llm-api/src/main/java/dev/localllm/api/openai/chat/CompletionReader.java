package dev.localllm.api.openai.chat;

import dev.localllm.api.json.Fields;
import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CommonFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.PromptField;
import dev.localllm.api.openai.StreamOptions;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the body of POST /v1/chat/completions. Thread-safe. */
public final class CompletionReader {

    private static final int MAX_TOP_LOGPROBS = 20;

    private final UnknownFields unknown;
    private final LoadOptions loadOptions;

    /** Creates a reader. Requests may repeat the configured load options. */
    public CompletionReader(UnknownFields unknown, LoadOptions loadOptions) {
        this.unknown = unknown;
        this.loadOptions = loadOptions;
    }

    /** Throws an {@link dev.localllm.core.failure.LlmException} that names the first invalid field. */
    ChatBody read(InputStream body) {
        Fields fields = Fields.parse(body, unknown);
        List<SchemaDemand> demands = new ArrayList<>();
        boolean stream = fields.bool("stream");
        boolean includeUsage = StreamOptions.includeUsage(fields, stream);
        ModelId model = CommonFields.model(fields);
        GenerationOptions options = CommonFields.options(fields, maxTokens(fields), topLogprobs(fields));
        ToolChoice choice = ToolReader.choice(fields);
        ChatRequest chat = new ChatRequest(
                MessageReader.messages(fields),
                options,
                ToolReader.tools(fields, demands),
                choice,
                fields.bool("parallel_tool_calls", true),
                FormatReader.format(fields, options.stop().isEmpty(), demands),
                thinking(fields),
                PromptField.read(fields));
        loadOptions.check(fields);
        if (choice instanceof ToolChoice.Function || choice instanceof ToolChoice.Required) {
            fields.ignore("stop", "logprobs", "top_logprobs");
        }
        fields.end(CompletionFields.BODY);
        return new ChatBody(model, chat, stream, includeUsage, demands, fields.ignored());
    }

    /** The newer field wins, as in OpenAI's API. */
    private static @Nullable Integer maxTokens(Fields fields) {
        Long older = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
        Long newer = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        return CommonFields.toInt(newer == null ? older : newer);
    }

    private static @Nullable Integer topLogprobs(Fields fields) {
        boolean logprobs = fields.bool("logprobs");
        Integer alternatives = CommonFields.toInt(fields.integer("top_logprobs", 0, MAX_TOP_LOGPROBS));
        if (!logprobs && alternatives != null && alternatives > 0) {
            throw fields.wrong("top_logprobs", "absent, unless logprobs is true");
        }
        return logprobs ? alternatives == null ? Integer.valueOf(0) : alternatives : null;
    }

    private static Thinking thinking(Fields fields) {
        Thinking effort = CommonFields.effort(fields, "reasoning_effort");
        Boolean enabled = enabled(fields);
        if (enabled == null) {
            return effort;
        }
        if (effort == Thinking.MODEL_DEFAULT) {
            return enabled ? Thinking.ON : Thinking.OFF;
        }
        if (enabled == (effort == Thinking.OFF)) {
            throw fields.wrong("chat_template_kwargs", "an enable_thinking that agrees with reasoning_effort");
        }
        return effort;
    }

    private static @Nullable Boolean enabled(Fields fields) {
        Fields options = fields.object("chat_template_kwargs");
        if (options == null) {
            return null;
        }
        Boolean enabled = options.isAbsent("enable_thinking") ? null : options.bool("enable_thinking");
        options.end(CompletionFields.TEMPLATE_OPTIONS);
        return enabled;
    }
}
