package dev.localllm.core.chat;

import java.util.List;

/** One event of an answer. An answer is any number of deltas followed by exactly one {@link Finished}, or it fails. */
public sealed interface ChatEvent {

    /** The next part of the model's thinking. Never empty. */
    record ThinkingDelta(JsonText text) implements ChatEvent {}

    /** The next part of the answer's text. Never empty. */
    record TextDelta(JsonText text) implements ChatEvent {}

    /** Log probabilities of the next tokens of the text, before the {@link TextDelta} of these tokens. Never empty. */
    record LogprobsDelta(List<TokenLogprob> tokens) implements ChatEvent {
        public LogprobsDelta {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * A complete tool call. Its arguments are a JSON object.
     *
     * @param index number of the call within the answer, from 0
     */
    record ToolCallDelta(int index, Part.ToolCall call) implements ChatEvent {}

    /** The last event: the answer is complete. */
    record Finished(FinishReason reason, Usage usage, Timings timings) implements ChatEvent {}
}
