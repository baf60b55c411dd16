package dev.localllm.core.chat;

/** Whether and how much a model thinks before it answers. Levels are hints: a model may not support them. */
public enum Thinking {
    /** The model's default: a model that can think does so. */
    MODEL_DEFAULT,
    /** No thinking. */
    OFF,
    /** Thinking without a level. A model that can't think refuses the request. */
    ON,
    LOW,
    MEDIUM,
    HIGH,
    MAX
}
