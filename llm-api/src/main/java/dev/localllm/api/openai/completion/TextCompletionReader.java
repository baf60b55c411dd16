package dev.localllm.api.openai.completion;

import dev.localllm.api.json.Fields;
import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CommonFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.StreamOptions;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.CompletionRequest;
import dev.localllm.core.chat.GenerationOptions;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Reads the body of POST /v1/completions. Thread-safe. */
public final class TextCompletionReader {

    private static final int MAX_LOGPROBS = 5;
    private static final String PROMPT = "one text that is not empty, as a string; no further prompts, and no tokens";

    private final UnknownFields unknown;
    private final LoadOptions loadOptions;

    /** Creates a reader. Requests may repeat the configured load options. */
    public TextCompletionReader(UnknownFields unknown, LoadOptions loadOptions) {
        this.unknown = unknown;
        this.loadOptions = loadOptions;
    }

    /** Throws an {@link dev.localllm.core.failure.LlmException} that names the first invalid field. */
    TextCompletionBody read(InputStream body) {
        Fields fields = Fields.parse(body, unknown);
        boolean stream = fields.bool("stream");
        boolean includeUsage = StreamOptions.includeUsage(fields, stream);
        ModelId model = CommonFields.model(fields);
        GenerationOptions options = CommonFields.options(
                fields,
                CommonFields.toInt(fields.integer("max_tokens", 1, Integer.MAX_VALUE)),
                CommonFields.toInt(fields.integer("logprobs", 0, MAX_LOGPROBS)));
        CompletionRequest request = new CompletionRequest(prompt(fields), suffix(fields), options);
        loadOptions.check(fields);
        fields.end(TextCompletionFields.BODY);
        return new TextCompletionBody(model, request, stream, includeUsage, fields.ignored());
    }

    private static String prompt(Fields fields) {
        String prompt = fields.onlyString("prompt", PROMPT);
        if (prompt == null) {
            throw fields.missing("prompt", PROMPT);
        }
        return prompt;
    }

    /** Without text after it there is no gap. */
    private static @Nullable String suffix(Fields fields) {
        String suffix = fields.string("suffix");
        return suffix == null || suffix.isEmpty() ? null : suffix;
    }
}
