package dev.localllm.core.chat;

/** Whether the model calls tools. An adapter refuses a choice that its model server can't enforce. */
public sealed interface ToolChoice {

    /** The model decides. */
    record Auto() implements ToolChoice {}

    /** The model calls no tool. */
    record None() implements ToolChoice {}

    /** The model calls at least one tool. */
    record Required() implements ToolChoice {}

    /** The model calls this function. */
    record Function(String name) implements ToolChoice {
        public Function {
            if (name.isEmpty()) {
                throw new IllegalArgumentException("name: '' (expected: the function's name)");
            }
        }
    }
}
