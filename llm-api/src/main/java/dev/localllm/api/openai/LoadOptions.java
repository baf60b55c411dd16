package dev.localllm.api.openai;

import dev.localllm.api.json.Fields;
import dev.localllm.api.setting.ValueType;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The options of every load of a model. A request may repeat them; other values would make the model server load the
 * model again, or unload it while others use it.
 *
 * @param keepAlive how long a model stays loaded after a response; negative means for ever
 */
public record LoadOptions(int contextTokens, Duration keepAlive) {

    /** Throws an {@link dev.localllm.core.failure.LlmException} if a request asks for other values. */
    public void check(Fields fields) {
        if (!fields.isAbsent("num_ctx")
                && !Long.valueOf(contextTokens).equals(fields.integer("num_ctx", 1, Integer.MAX_VALUE))) {
            throw fields.wrong("num_ctx", contextTokens + ", which is configured for all requests");
        }
        if (!fields.isAbsent("keep_alive") && !isConfigured(fields)) {
            throw fields.wrong(
                    "keep_alive",
                    (keepAlive.isNegative() ? "-1" : keepAlive.toSeconds() + "s")
                            + ", which is configured for all requests");
        }
    }

    /** As in Ollama's API, a number means seconds. */
    private boolean isConfigured(Fields fields) {
        if (fields.isString("keep_alive")) {
            return isEqual(duration(String.valueOf(fields.string("keep_alive"))));
        }
        Long seconds = fields.integer("keep_alive", Integer.MIN_VALUE, Integer.MAX_VALUE);
        return isEqual(seconds == null ? null : Duration.ofSeconds(seconds));
    }

    /** Null for text that is no duration. */
    private static @Nullable Duration duration(String text) {
        boolean negative = text.startsWith("-");
        String amount = negative ? text.substring(1) : text;
        try {
            Duration duration = amount.isEmpty() ? null : ValueType.parseDuration(amount);
            return negative && duration != null ? duration.negated() : duration;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private boolean isEqual(@Nullable Duration requested) {
        return requested != null && (keepAlive.isNegative() ? requested.isNegative() : keepAlive.equals(requested));
    }
}
