package dev.localllm.ollama.simulator;

import dev.localllm.ollama.simulator.SimulatorWire.ChatMessage;
import dev.localllm.ollama.simulator.SimulatorWire.Line;
import dev.localllm.ollama.simulator.SimulatorWire.Logprob;
import dev.localllm.ollama.simulator.SimulatorWire.ToolCall;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The lines of one response: one per piece, and the last line, with done. */
final class Answer {

    private static final long NANOS_PER_TOKEN = 2_000_000;
    private static final int FIRST_TOKEN = 259;
    private static final int VOCABULARY = 200;

    private final Prompt prompt;
    private final InstantSource clock;
    private final long loadNanos;
    private final long waitNanos;

    /** Null for a load or unload. */
    private final @Nullable Completion completion;

    /**
     * @param loadTime the time until a loaded model had the request
     * @param waitTime the time until the model began to work on it
     */
    Answer(Prompt prompt, Duration loadTime, Duration waitTime, InstantSource clock) {
        this.prompt = prompt;
        this.loadNanos = Math.max(NANOS_PER_TOKEN, loadTime.toNanos());
        this.waitNanos = Math.max(loadNanos, waitTime.toNanos());
        this.clock = clock;
        this.completion = prompt.conversation().isEmpty() ? null : new Completion(prompt);
    }

    /** True for a request that only unloads the model. */
    static boolean isUnload(Prompt prompt) {
        return prompt.conversation().isEmpty()
                && prompt.keepAlive() != null
                && prompt.keepAlive().isZero();
    }

    boolean generates() {
        return completion != null;
    }

    List<Piece> pieces() {
        return completion == null ? List.of() : completion.pieces();
    }

    Line line(Piece piece) {
        List<Logprob> logprobs = prompt.logprobs() == null ? null : logprobs(piece.tokens());
        return switch (piece) {
            case Piece.Text text -> line(text.token(), null, null, logprobs);
            case Piece.Thought thought -> line("", thought.token(), null, logprobs);
            case Piece.Call call -> line("", null, List.of(call.call()), logprobs);
            case Piece.Nothing nothing -> line("", null, null, logprobs);
        };
    }

    /** The last line of a stream. */
    Line last() {
        return done("", null, null, null);
    }

    /** The non-streaming answer, in one line. */
    Line complete() {
        String text = joined(piece -> piece instanceof Piece.Text t ? t.token() : "");
        String thinking = joined(piece -> piece instanceof Piece.Thought t ? t.token() : "");
        List<ToolCall> calls = pieces().stream()
                .flatMap(piece -> piece instanceof Piece.Call call ? Stream.of(call.call()) : Stream.empty())
                .toList();
        List<String> tokens =
                pieces().stream().flatMap(piece -> piece.tokens().stream()).toList();
        return done(text, thinking.isEmpty() ? null : thinking, calls.isEmpty() ? null : calls, logprobs(tokens));
    }

    private String joined(Function<Piece, String> text) {
        return pieces().stream().map(text).collect(Collectors.joining());
    }

    private Line line(
            String text, @Nullable String thinking, @Nullable List<ToolCall> calls, @Nullable List<Logprob> logprobs) {
        return new Line(
                prompt.name(),
                now(),
                message(text, thinking, calls),
                prompt.chat() ? null : text,
                prompt.chat() ? null : thinking,
                false,
                null,
                logprobs,
                null,
                null,
                null,
                null,
                null,
                null,
                null);
    }

    private Line done(
            String text, @Nullable String thinking, @Nullable List<ToolCall> calls, @Nullable List<Logprob> logprobs) {
        if (completion == null) {
            return new Line(
                    prompt.name(),
                    now(),
                    message(text, null, null),
                    prompt.chat() ? null : text,
                    null,
                    true,
                    isUnload(prompt) ? "unload" : "load",
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null);
        }
        long evalNanos = NANOS_PER_TOKEN * completion.tokens();
        return new Line(
                prompt.name(),
                now(),
                message(text, thinking, calls),
                prompt.chat() ? null : text,
                prompt.chat() ? null : thinking,
                true,
                completion.reason(),
                logprobs,
                prompt.chat() ? null : context(completion),
                waitNanos + NANOS_PER_TOKEN + evalNanos,
                loadNanos,
                completion.promptTokens(),
                NANOS_PER_TOKEN,
                completion.tokens(),
                evalNanos);
    }

    /** Tokens of prompt and answer, without the one that begins a text. */
    private static List<Integer> context(Completion completion) {
        return IntStream.range(1, completion.promptTokens() + completion.tokens())
                .mapToObj(i -> FIRST_TOKEN + i % VOCABULARY)
                .toList();
    }

    private String now() {
        return SimulatorWire.time(clock.instant());
    }

    private @Nullable ChatMessage message(String text, @Nullable String thinking, @Nullable List<ToolCall> calls) {
        return prompt.chat() ? new ChatMessage("assistant", text, thinking, calls) : null;
    }

    private @Nullable List<Logprob> logprobs(List<String> tokens) {
        return prompt.logprobs() == null || tokens.isEmpty()
                ? null
                : prompt.logprobs().of(tokens);
    }
}
