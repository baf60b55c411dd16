package dev.localllm.api.openai;

import static dev.localllm.api.json.FieldRule.accepted;
import static dev.localllm.api.json.FieldRule.honoured;

import dev.localllm.api.json.FieldRule;
import dev.localllm.api.json.Fields;
import java.util.List;

/** Reads the field {@code stream_options} of the routes for completions. */
public final class StreamOptions {

    /** What becomes of the fields of these options. */
    public static final List<FieldRule> RULES = List.of(
            honoured("include_usage", "a last chunk with `usage` and no choices"),
            accepted(
                    "include_obfuscation",
                    "only `false`: streams have no padding",
                    node -> node.isBoolean() && !node.booleanValue()));

    private StreamOptions() {}

    /** True if the stream sends its usage in its last chunk. */
    public static boolean includeUsage(Fields fields, boolean stream) {
        Fields options = fields.object("stream_options");
        if (options == null) {
            return false;
        }
        if (!stream) {
            throw fields.wrong("stream_options", "absent, unless stream is true");
        }
        boolean include = options.bool("include_usage");
        options.end(RULES);
        return include;
    }
}
