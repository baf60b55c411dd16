package dev.localllm.core.chat;

/** What a model is to generate. */
public sealed interface GenerationRequest permits ChatRequest, CompletionRequest {

    GenerationOptions options();

    /** Number of UTF-16 code units in all its text. */
    long characters();
}
