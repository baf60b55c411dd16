package dev.localllm.core.chat;

/** Whether the model calls tools. A model server that can't be made to keep a choice refuses it. */
public sealed interface ToolChoice {

    /** The model decides. */
    record Auto() implements ToolChoice {}

    /** It calls none. */
    record None() implements ToolChoice {}

    /** It calls at least one. */
    record Required() implements ToolChoice {}

    /** It calls this one. */
    record Function(String name) implements ToolChoice {
        public Function {
            if (name.isEmpty()) {
                throw new IllegalArgumentException("name: '' (expected: the function's name)");
            }
        }
    }
}
