package dev.localllm.ollama;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the NDJSON of one answer into events. A line that has only text or thinking is matched byte by byte and its
 * escaped text is shared; every other line is parsed. An error line or an invalid line ends the decoding, see {@link #failure}. One
 * decoder per answer; not thread-safe.
 */
final class LineDecoder {

    static final int MAX_LINE_BYTES = 1 << 20;
    private static final byte[] EMPTY = {};

    /** Instead of an index. */
    private static final int NONE = -1;

    private static final byte[] MODEL = ascii("{\"model\":\"");
    private static final byte[] CREATED_AT = ascii("\",\"created_at\":\"");
    private static final byte[] THINKING = ascii("\",\"thinking\":\"");

    private final LineFormat format;

    /** Null if lines have none. */
    private final @Nullable SkippedContext context;

    private final ToolCalls toolCalls;
    private byte[] incomplete = EMPTY;
    private boolean finished;
    private @Nullable LlmFailure failure;

    /** @param parallelToolCalls false to drop every tool call after the first */
    LineDecoder(LineFormat format, boolean parallelToolCalls) {
        this.format = format;
        this.context = format.hasContext() ? new SkippedContext() : null;
        this.toolCalls = new ToolCalls(parallelToolCalls);
    }

    /**
     * Decodes one read. The buffer is read, not released.
     *
     * @return events of the lines that are complete now, possibly none
     */
    List<ChatEvent> decode(ByteBuf read) {
        if (context != null) {
            context.skip(read);
        }
        byte[] bytes = withIncomplete(read);
        List<ChatEvent> events = new ArrayList<>(bytes.length / format.typicalBytes + 1);
        int from = 0;
        for (int next = from; next != NONE && !ended(); next = nextLine(bytes, from, events)) {
            from = next;
        }
        keepIncomplete(bytes, from);
        return events;
    }

    /**
     * Decodes the end of the body: a last line may have no line break.
     *
     * @return events of the lines that are complete now, possibly none
     */
    List<ChatEvent> end() {
        List<ChatEvent> events = new ArrayList<>();
        if (!ended() && incomplete.length > 0) {
            parse(incomplete, 0, incomplete.length, events);
        }
        if (!ended()) {
            fail("Ollama's response ended without done.");
        }
        return events;
    }

    /** The failure that ended the decoding, or null. */
    @Nullable
    LlmFailure failure() {
        return failure;
    }

    private boolean ended() {
        return finished || failure != null;
    }

    private byte[] withIncomplete(ByteBuf read) {
        byte[] bytes = Arrays.copyOf(incomplete, incomplete.length + read.readableBytes());
        read.readBytes(bytes, incomplete.length, read.readableBytes());
        return bytes;
    }

    private void keepIncomplete(byte[] bytes, int from) {
        int to = context == null ? bytes.length : context.end(bytes, from);
        incomplete = ended() || from == to ? EMPTY : Arrays.copyOfRange(bytes, from, to);
        if (incomplete.length > MAX_LINE_BYTES) {
            fail("Ollama sent a line of more than " + MAX_LINE_BYTES + " bytes.");
        }
    }

    /** Adds the events of one line. Returns the index after the line, or NONE if the line is incomplete. */
    private int nextLine(byte[] bytes, int from, List<ChatEvent> events) {
        int next = toolCalls.isComplete() ? NONE : textLine(bytes, from, events);
        return next == NONE ? anyLine(bytes, from, events) : next;
    }

    /**
     * Adds the text and the thinking of a line that has nothing else. Returns the index after the line, or NONE for any
     * other line.
     */
    private int textLine(byte[] bytes, int from, List<ChatEvent> events) {
        int createdAt = stringEnd(bytes, after(bytes, from, MODEL));
        int content = stringEnd(bytes, after(bytes, createdAt, CREATED_AT));
        int text = after(bytes, content, format.beforeText);
        int textEnd = stringEnd(bytes, text);
        int thinking = after(bytes, textEnd, THINKING);
        int thinkingEnd = thinking == NONE ? textEnd : stringEnd(bytes, thinking);
        int next = after(bytes, thinkingEnd, format.end);
        if (next != NONE && thinking != NONE && thinkingEnd > thinking) {
            events.add(new ThinkingDelta(JsonText.ofEscaped(bytes, thinking, thinkingEnd)));
        }
        if (next != NONE && textEnd > text) {
            events.add(new TextDelta(JsonText.ofEscaped(bytes, text, textEnd)));
        }
        return next;
    }

    private static int stringEnd(byte[] bytes, int from) {
        return from == NONE ? NONE : JsonText.end(bytes, from, bytes.length);
    }

    private static int after(byte[] bytes, int from, byte[] literal) {
        int to = from + literal.length;
        boolean found =
                from != NONE && to <= bytes.length && Arrays.equals(bytes, from, to, literal, 0, literal.length);
        return found ? to : NONE;
    }

    /**
     * Parses a complete line of any kind and adds its events. Returns the index after it, or NONE if it is incomplete.
     */
    private int anyLine(byte[] bytes, int from, List<ChatEvent> events) {
        int end = from;
        while (end < bytes.length && bytes[end] != '\n') {
            end++;
        }
        if (end == bytes.length) {
            return NONE;
        }
        parse(bytes, from, end, events);
        return end + 1;
    }

    private void parse(byte[] bytes, int from, int to, List<ChatEvent> events) {
        OllamaWire.Line line = OllamaJson.read(bytes, from, to - from, OllamaWire.Line.class);
        if (line == null) {
            fail("Ollama sent a line that is not a JSON line of " + format.path() + ".");
        } else {
            add(line, events);
        }
    }

    private void add(OllamaWire.Line line, List<ChatEvent> events) {
        OllamaWire.LineMessage message = format.message(line);
        if (line.error() != null) {
            failure = OllamaFailures.failed(line.error());
        } else if (message == null) {
            fail("Ollama sent a line without a " + format.field() + ".");
        } else {
            if (!toolCalls.isComplete()) {
                addText(message, line.logprobs(), events);
                addToolCalls(message, events);
            }
            if (line.done() && failure == null) {
                finish(line, events);
            }
        }
    }

    /**
     * Handles the last line. The {@code done_reason} load or unload means that nothing was generated: a protocol error.
     */
    private void finish(OllamaWire.Line line, List<ChatEvent> events) {
        String reason = line.doneReason();
        if ("load".equals(reason) || "unload".equals(reason)) {
            fail("Ollama generated nothing (done_reason " + reason + ").");
            return;
        }
        events.add(new Finished(finishReason(reason), usage(line), timings(line)));
        finished = true;
    }

    private static Usage usage(OllamaWire.Line line) {
        return new Usage(line.promptTokens(), line.cachedPromptTokens(), line.completionTokens());
    }

    private static Timings timings(OllamaWire.Line line) {
        return new Timings(
                Duration.ofNanos(line.loadNanos()),
                Duration.ofNanos(line.promptNanos()),
                Duration.ofNanos(line.generationNanos()));
    }

    /**
     * Log probabilities of a line with thinking, or without text, are left out: they may be those of tokens that Ollama
     * removes, such as the end of the thinking.
     */
    private static void addText(
            OllamaWire.LineMessage message, @Nullable List<OllamaWire.Logprob> logprobs, List<ChatEvent> events) {
        String thinking = message.thinking() == null ? "" : message.thinking();
        if (!thinking.isEmpty()) {
            events.add(new ThinkingDelta(JsonText.of(thinking)));
        }
        String content = message.content();
        if (content == null || content.isEmpty()) {
            return;
        }
        if (thinking.isEmpty() && logprobs != null && !logprobs.isEmpty()) {
            events.add(new LogprobsDelta(Logprobs.of(logprobs)));
        }
        events.add(new TextDelta(JsonText.of(content)));
    }

    private void addToolCalls(OllamaWire.LineMessage message, List<ChatEvent> events) {
        String fault = message.toolCalls() == null ? null : toolCalls.add(message.toolCalls(), events);
        if (fault != null) {
            fail(fault);
        }
    }

    private FinishReason finishReason(@Nullable String doneReason) {
        if ("length".equals(doneReason) && !toolCalls.isComplete()) {
            return FinishReason.LENGTH;
        }
        return toolCalls.any() ? FinishReason.TOOL_CALLS : FinishReason.STOP;
    }

    private void fail(String message) {
        failure = new UpstreamProtocol(message);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
