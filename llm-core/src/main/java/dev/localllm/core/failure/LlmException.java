package dev.localllm.core.failure;

/** Carries one {@link LlmFailure} through a stream. Has no stack trace: the failure has all information. */
public final class LlmException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient LlmFailure failure;

    public LlmException(LlmFailure failure) {
        super(failure.message(), null, false, false);
        this.failure = failure;
    }

    public LlmFailure failure() {
        return failure;
    }
}
