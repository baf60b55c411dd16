package dev.localllm.ollama;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Makes a tool call of the text of one answer, which is the arguments of a {@link ForcedTool}. One per answer; not
 * thread-safe.
 */
final class ForcedCall {

    private final String function;

    /** Escaped, so that a character that two deltas share is complete. */
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();

    private @Nullable LlmFailure failure;

    ForcedCall(String function) {
        this.function = function;
    }

    /**
     * Collects the text of the next events.
     *
     * @return the events without text and log probabilities, possibly none. The call comes just before the last event,
     *     which is missing if the text is not a JSON object, see {@link #failure}. A text that the token limit has cut
     *     gives no call
     */
    List<ChatEvent> replace(List<ChatEvent> events) {
        List<ChatEvent> replaced = new ArrayList<>();
        for (ChatEvent event : events) {
            switch (event) {
                case ThinkingDelta e -> replaced.add(e);
                case TextDelta e -> collect(e.text());
                case LogprobsDelta e -> {}
                case ToolCallDelta e -> {} // no tools were sent
                case Finished e -> finish(e, replaced);
            }
        }
        return replaced;
    }

    /** The failure that ended the answer, or null. */
    @Nullable
    LlmFailure failure() {
        return failure;
    }

    private void collect(JsonText delta) {
        if (text.size() + delta.length() > LineDecoder.MAX_LINE_BYTES) {
            fail("more than " + LineDecoder.MAX_LINE_BYTES + " bytes");
        } else {
            delta.writeTo(text::write);
        }
    }

    private void finish(Finished end, List<ChatEvent> replaced) {
        String arguments = JsonText.ofEscaped(text.toByteArray(), 0, text.size())
                .toString()
                .strip();
        JsonNode parsed = OllamaJson.read(arguments);
        if (failure != null) {
            return;
        }
        if (parsed != null && parsed.isObject()) {
            replaced.add(new ToolCallDelta(0, new Part.ToolCall(CallIds.next(), function, parsed.toString())));
            replaced.add(new Finished(FinishReason.TOOL_CALLS, end.usage(), end.timings()));
        } else if (end.reason() == FinishReason.LENGTH) {
            replaced.add(end);
        } else {
            fail("not a JSON object");
        }
    }

    private void fail(String reason) {
        failure = new SchemaNotHonoured("arguments of " + function + ": " + reason);
    }
}
