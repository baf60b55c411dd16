package dev.localllm.core.chat;

/** Whether, and how much, a model thinks before it answers. Levels are hints that a model may not know. */
public enum Thinking {
    /** As the model is made: one that can think does. */
    MODEL_DEFAULT,
    /** Not at all. */
    OFF,
    /** As much as it likes; a model that can't think refuses. */
    ON,
    LOW,
    MEDIUM,
    HIGH,
    MAX
}
