package dev.localllm.ollama.simulator;

/** An error response with Ollama's error text. Has no stack trace. */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;

    Refusal(int status, String error) {
        super(error, null, false, false);
        this.status = status;
    }

    int status() {
        return status;
    }

    byte[] body() {
        return SimulatorWire.json(new SimulatorWire.ErrorBody(String.valueOf(getMessage())));
    }
}
