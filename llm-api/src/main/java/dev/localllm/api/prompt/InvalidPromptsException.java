package dev.localllm.api.prompt;

import java.util.List;

/** Faults in the prompt files, which stop the start. The message has one line for each: the file and its fault. */
public final class InvalidPromptsException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    InvalidPromptsException(List<String> faults) {
        super(String.join("\n", faults));
    }
}
