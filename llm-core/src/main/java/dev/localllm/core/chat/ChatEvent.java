package dev.localllm.core.chat;

/** One event of an answer. An answer is any number of deltas followed by exactly one {@link Finished}, or it fails. */
public sealed interface ChatEvent {

    /** The next part of the model's thinking. Never empty. */
    record ThinkingDelta(JsonText text) implements ChatEvent {}

    /** The next part of the answer's text. Never empty. */
    record TextDelta(JsonText text) implements ChatEvent {}

    /**
     * A complete tool call.
     *
     * @param index number of the call within the answer, from 0
     */
    record ToolCallDelta(int index, Part.ToolCall call) implements ChatEvent {}

    /** The last event: the answer is complete. */
    record Finished(FinishReason reason, Usage usage, Timings timings) implements ChatEvent {}
}
