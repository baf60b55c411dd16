package dev.localllm.core.chat;

/** What the text of an answer is. */
public sealed interface ResponseFormat {

    /** Whatever the model says. */
    record Text() implements ResponseFormat {}

    /** Any JSON. */
    record Json() implements ResponseFormat {}

    /**
     * JSON of a schema.
     *
     * @param schema a JSON schema, as text
     */
    record JsonOf(String schema) implements ResponseFormat {}
}
