package dev.localllm.ollama.simulator;

import tools.jackson.databind.json.JsonMapper;

/** An error response with Ollama's error text. Has no stack trace. */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;

    Refusal(int status, String error) {
        super(error, null, false, false);
        this.status = status;
    }

    /** A refusal by the runner, whose JSON Ollama puts into its own. */
    static Refusal byRunner(String message) {
        return new Refusal(
                400,
                "{\"error\":{\"code\":400,\"message\":" + JsonMapper.shared().writeValueAsString(message)
                        + ",\"type\":\"invalid_request_error\"}}");
    }

    int status() {
        return status;
    }

    byte[] body() {
        return SimulatorWire.json(new SimulatorWire.ErrorBody(String.valueOf(getMessage())));
    }
}
