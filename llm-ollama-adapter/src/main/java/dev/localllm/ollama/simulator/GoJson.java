package dev.localllm.ollama.simulator;

import java.util.function.Predicate;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.databind.JsonNode;

/** Reads requests as Go's JSON package does, with its error texts. */
final class GoJson {

    private GoJson() {}

    static JsonNode read(byte[] body, String type) {
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
            throw new Refusal(400, "json: cannot unmarshal " + type(node) + " into Go value of type " + type);
        }
        return node;
    }

    /**
     * Refuses a value of another type; absent and null are valid.
     *
     * @param field its Go path, such as {@code ChatRequest.stream}
     */
    static void typed(JsonNode value, String field, Predicate<JsonNode> valid, String type) {
        if (!value.isMissingNode() && !value.isNull() && !valid.test(value)) {
            throw new Refusal(
                    400,
                    "json: cannot unmarshal " + type(value) + " into Go struct field " + field + " of type " + type);
        }
    }

    private static String type(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> "string";
            case NUMBER -> "number";
            case BOOLEAN -> "bool";
            case ARRAY -> "array";
            default -> "object";
        };
    }
}
