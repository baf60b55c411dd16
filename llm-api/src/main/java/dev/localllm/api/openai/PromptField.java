package dev.localllm.api.openai;

import static dev.localllm.api.json.FieldRule.honoured;
import static dev.localllm.api.json.FieldRule.mapped;

import dev.localllm.api.json.FieldRule;
import dev.localllm.api.json.Fields;
import dev.localllm.core.prompt.PromptReference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the field that names a prompt of the catalogue:
 *
 * <pre>{@code
 * {"prompt":{"id":"translator","version":"2","variables":{"language":"French"}}}
 * }</pre>
 */
public final class PromptField {

    /** What becomes of the fields of the prompt. */
    public static final List<FieldRule> RULES = List.of(
            honoured("id", "a prompt of `GET /v1/prompts`"),
            honoured("version", "without it the latest version"),
            mapped(
                    "variables",
                    "up to 64 strings, or parts of type `input_text`: one for each variable of the template"));

    private static final int MAX_VARIABLES = 64;

    /** Of a variable that is an object. */
    private static final List<FieldRule> PART = List.of(honoured("type", "`input_text`"), honoured("text", ""));

    private static final String VALUE = "a string, or an object with the type input_text and a text";

    private PromptField() {}

    /** The named prompt; null if the request names none. */
    public static @Nullable PromptReference read(Fields fields) {
        Fields prompt = fields.object("prompt");
        if (prompt == null) {
            return null;
        }
        String id = prompt.string("id");
        if (id == null) {
            throw prompt.missing("id", "the id of a prompt");
        }
        PromptReference reference = new PromptReference(id, prompt.string("version"), variables(prompt));
        prompt.end(RULES);
        return reference;
    }

    private static Map<String, String> variables(Fields prompt) {
        Fields variables = prompt.object("variables");
        Map<String, String> values = new HashMap<>();
        if (variables != null) {
            if (variables.names().size() > MAX_VARIABLES) {
                throw prompt.wrong("variables", "at most " + MAX_VARIABLES + " strings");
            }
            for (String name : variables.names()) {
                values.put(name, value(variables, name));
            }
        }
        return values;
    }

    private static String value(Fields variables, String name) {
        Fields part = variables.isString(name) ? null : part(variables, name);
        String text = part == null ? variables.string(name) : part.string("text");
        if (text == null) {
            throw variables.wrong(name, VALUE);
        }
        if (part != null) {
            part.end(PART);
        }
        return text;
    }

    private static Fields part(Fields variables, String name) {
        Fields part = variables.object(name);
        if (part == null || !"input_text".equals(part.string("type"))) {
            throw variables.wrong(name, VALUE);
        }
        return part;
    }
}
