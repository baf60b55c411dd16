package dev.localllm.core.chat;

/** A piece of an answer. An answer is any number of deltas and then exactly one {@link Finished}, or it fails. */
public sealed interface ChatEvent {

    /** The next piece of what the model thinks before it answers. Never empty. */
    record ThinkingDelta(JsonText text) implements ChatEvent {}

    /** The next piece of the answer's text. Never empty. */
    record TextDelta(JsonText text) implements ChatEvent {}

    /**
     * A call that the model wants made, whole.
     *
     * @param index counts the calls of one answer from 0
     */
    record ToolCallDelta(int index, Part.ToolCall call) implements ChatEvent {}

    /** The answer is complete; nothing follows. */
    record Finished(FinishReason reason, Usage usage, Timings timings) implements ChatEvent {}
}
