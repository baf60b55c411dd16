package dev.localllm.ollama.simulator;

import java.time.Duration;

/** A fault of one response. {@code tokens} is the number of tokens sent before it happens. */
public sealed interface Fault {

    /** No fault. */
    record None() implements Fault {}

    /** Headers come only after the delay; then the response is normal. */
    record SlowHeaders(Duration delay) implements Fault {}

    /** The request is read, and no response is sent. */
    record NeverAnswers() implements Fault {}

    /** An error response with this status, and the error in Ollama's JSON. */
    record Refuses(int status, String error) implements Fault {}

    /** A pause during the response; then it continues normally. */
    record Pauses(int tokens, Duration pause) implements Fault {}

    /** Silence during the response, until the client disconnects. */
    record Stalls(int tokens) implements Fault {}

    /** Half a line is sent, then the connection is closed. */
    record CutsLine(int tokens) implements Fault {}

    /** The connection is closed between two lines, without the end of the chunked body. */
    record Drops(int tokens) implements Fault {}

    /** A line that is not JSON, then a normal end of the body. */
    record SendsGarbage(int tokens) implements Fault {}

    /** The error line that Ollama sends when its runner dies, then a normal end of the body. */
    record SendsError(int tokens) implements Fault {}

    /** A normal end of the body without the last line, the one with done. */
    record EndsEarly(int tokens) implements Fault {}
}
