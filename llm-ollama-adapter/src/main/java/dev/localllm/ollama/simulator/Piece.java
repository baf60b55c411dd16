package dev.localllm.ollama.simulator;

import java.util.List;

/** A part of an answer: one line of a stream. */
sealed interface Piece {

    /** What the model generated for it. */
    List<String> tokens();

    /** One token of the text. */
    record Text(String token) implements Piece {
        @Override
        public List<String> tokens() {
            return List.of(token);
        }
    }

    /** One token of the thinking. */
    record Thought(String token) implements Piece {
        @Override
        public List<String> tokens() {
            return List.of(token);
        }
    }

    /** A complete tool call. */
    record Call(SimulatorWire.ToolCall call, List<String> tokens) implements Piece {

        static Call of(SimulatorWire.ToolCall call) {
            return new Call(
                    call,
                    Storyteller.tokens(call.function().name() + call.function().arguments()));
        }
    }

    /** A line without content, as Ollama sends where thinking begins or ends. */
    record Nothing() implements Piece {
        @Override
        public List<String> tokens() {
            return List.of();
        }
    }
}
