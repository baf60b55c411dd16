package dev.localllm.api.json;

/** What becomes of requests with fields that this server doesn't know. */
public enum UnknownFields {
    /** The fields are ignored, which the response tells. */
    IGNORE,
    /** The request is refused. */
    REFUSE
}
