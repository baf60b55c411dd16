package dev.localllm.ollama.simulator;

import java.time.Duration;

/** What goes wrong with one answer. A number of tokens is how many are sent before it does. */
public sealed interface Fault {

    /** Nothing goes wrong with this one. */
    record None() implements Fault {}

    /** Not even the headers come before the time is over; then all is well. */
    record SlowHeaders(Duration delay) implements Fault {}

    /** The request is read and nothing ever comes back. */
    record NeverAnswers() implements Fault {}

    /** Refused: this status, and the error in Ollama's JSON. */
    record Refuses(int status, String error) implements Fault {}

    /** Silence for a time in mid-answer; then all is well. */
    record Pauses(int tokens, Duration pause) implements Fault {}

    /** Silence in mid-answer until the caller leaves. */
    record Stalls(int tokens) implements Fault {}

    /** Half a line, then the connection is closed. */
    record CutsLine(int tokens) implements Fault {}

    /** The connection is closed between two lines, without the end of the chunked body. */
    record Drops(int tokens) implements Fault {}

    /** A line that is no JSON, then a clean end. */
    record SendsGarbage(int tokens) implements Fault {}

    /** The line that Ollama sends when its runner dies, then a clean end. */
    record SendsError(int tokens) implements Fault {}

    /** A clean end without the line that says done. */
    record EndsEarly(int tokens) implements Fault {}
}
