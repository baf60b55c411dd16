package dev.localllm.ollama.simulator;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.StringNode;

/** Values that a text gives names, such as {@code city=Paris}: up to whitespace or a comma. */
record NamedValues(String text) {

    @Nullable
    String of(String name) {
        Matcher matcher = Pattern.compile("(?<![\\w-])" + Pattern.quote(name) + "=([^\\s,]+)")
                .matcher(text);
        return matcher.find() ? matcher.group(1) : null;
    }

    /** The value as JSON: a number or boolean if the schema says so and the value is one, otherwise a string. */
    @Nullable
    JsonNode of(String name, JsonNode schema) {
        String value = of(name);
        if (value == null) {
            return null;
        }
        JsonNode parsed = parse(value);
        boolean fits = switch (Schemas.type(schema)) {
            case "integer", "number" -> parsed.isNumber();
            case "boolean" -> parsed.isBoolean();
            default -> false;
        };
        return fits ? parsed : StringNode.valueOf(value);
    }

    private static JsonNode parse(String value) {
        try {
            return JsonMapper.shared().readTree(value);
        } catch (JacksonException e) {
            return StringNode.valueOf(value);
        }
    }
}
