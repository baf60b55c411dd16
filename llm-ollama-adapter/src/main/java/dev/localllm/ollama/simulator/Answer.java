package dev.localllm.ollama.simulator;

import dev.localllm.ollama.simulator.SimulatorWire.ChatMessage;
import dev.localllm.ollama.simulator.SimulatorWire.Line;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lines of one response: one per token, and the last line, with done. */
final class Answer {

    private static final long NANOS_PER_TOKEN = 2_000_000;

    private final Prompt prompt;
    private final InstantSource clock;
    private final long loadNanos;
    private final long waitNanos;
    private final List<String> tokens;
    private final String reason;

    /**
     * @param loadTime the time until a loaded model had the request
     * @param waitTime the time until the model began to work on it
     */
    Answer(Prompt prompt, Duration loadTime, Duration waitTime, InstantSource clock) {
        this.prompt = prompt;
        this.loadNanos = Math.max(NANOS_PER_TOKEN, loadTime.toNanos());
        this.waitNanos = Math.max(loadNanos, waitTime.toNanos());
        this.clock = clock;
        List<String> all = prompt.texts().isEmpty()
                ? List.of()
                : Storyteller.answer(prompt.texts().getLast(), prompt.seed());
        List<String> unstopped = beforeStop(all, prompt.stop());
        boolean truncated = prompt.maxTokens() > 0 && unstopped.size() > prompt.maxTokens();
        this.tokens = truncated ? unstopped.subList(0, prompt.maxTokens()) : unstopped;
        this.reason = prompt.texts().isEmpty() ? (isUnload(prompt) ? "unload" : "load") : truncated ? "length" : "stop";
    }

    /** True for a request that only unloads the model. */
    static boolean isUnload(Prompt prompt) {
        return prompt.texts().isEmpty()
                && prompt.keepAlive() != null
                && prompt.keepAlive().isZero();
    }

    boolean generates() {
        return !prompt.texts().isEmpty();
    }

    List<String> tokens() {
        return tokens;
    }

    Line line(String token) {
        return new Line(
                prompt.name(),
                now(),
                message(token),
                response(token),
                false,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null);
    }

    /** @param text the complete answer; empty if its tokens were streamed */
    Line last(String text) {
        if (!generates()) {
            return new Line(
                    prompt.name(),
                    now(),
                    message(""),
                    response(""),
                    true,
                    reason,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null);
        }
        long evalNanos = NANOS_PER_TOKEN * tokens.size();
        return new Line(
                prompt.name(),
                now(),
                message(text),
                response(text),
                true,
                reason,
                prompt.chat() ? null : List.of(1, 2, 3),
                waitNanos + NANOS_PER_TOKEN + evalNanos,
                loadNanos,
                prompt.promptTokens(),
                NANOS_PER_TOKEN,
                tokens.size(),
                evalNanos);
    }

    private String now() {
        return SimulatorWire.time(clock.instant());
    }

    private @Nullable ChatMessage message(String text) {
        return prompt.chat() ? new ChatMessage("assistant", text) : null;
    }

    private @Nullable String response(String text) {
        return prompt.chat() ? null : text;
    }

    /** The tokens before the first stop sequence. A token that contains its beginning is truncated. */
    private static List<String> beforeStop(List<String> tokens, List<String> stops) {
        String text = String.join("", tokens);
        int end = stops.stream()
                .filter(stop -> !stop.isEmpty())
                .mapToInt(text::indexOf)
                .filter(index -> index >= 0)
                .min()
                .orElse(text.length());
        return end == text.length() ? tokens : Storyteller.tokens(text.substring(0, end));
    }
}
