package dev.localllm.core.chat;

/** The format of an answer's text. */
public sealed interface ResponseFormat {

    /** Free text. */
    record Text() implements ResponseFormat {}

    /** Any JSON. */
    record Json() implements ResponseFormat {}

    /**
     * JSON that matches a schema.
     *
     * @param schema a JSON schema, as text
     */
    record JsonSchema(String schema) implements ResponseFormat {}
}
