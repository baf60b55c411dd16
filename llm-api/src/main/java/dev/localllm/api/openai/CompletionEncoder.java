package dev.localllm.api.openai;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Folds the events of one answer into the answer as a whole. One per answer; not thread-safe. */
final class CompletionEncoder {

    private static final int MAX_BYTES = 8 << 20;

    private final ResponseHead response;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private final ByteArrayOutputStream thinking = new ByteArrayOutputStream();
    private final List<String> toolCalls = new ArrayList<>();
    private @Nullable Finished end;

    CompletionEncoder(ResponseHead response) {
        this.response = response;
    }

    /** Fails when the answer becomes larger than any that is read in one piece. */
    void add(List<ChatEvent> events) {
        if (text.size() + thinking.size() > MAX_BYTES) {
            throw new LlmException(
                    new UpstreamProtocol("The answer is larger than " + MAX_BYTES + " bytes: use stream:true."));
        }
        for (ChatEvent event : events) {
            switch (event) {
                case TextDelta delta -> delta.text().writeTo(text::write);
                case ThinkingDelta delta -> delta.text().writeTo(thinking::write);
                case ToolCallDelta call -> toolCalls.add(OpenAiWords.of(call, ""));
                case Finished finished -> end = finished;
            }
        }
    }

    /** The body of the response. Events are complete when the port's stream is, so the end is known. */
    byte[] encode() {
        Finished finished = end;
        if (finished == null) {
            throw new IllegalStateException("the answer completed without Finished");
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream(text.size() + thinking.size() + 512);
        write(
                body,
                "{\"id\":\"" + response.id() + "\",\"object\":\"chat.completion\",\"created\":" + response.created()
                        + ",\"model\":" + OpenAiWords.quoted(response.model().value())
                        + ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
        writeText(body);
        if (thinking.size() > 0) {
            write(body, ",\"reasoning\":\"");
            body.writeBytes(thinking.toByteArray());
            write(body, "\"");
        }
        if (!toolCalls.isEmpty()) {
            write(body, ",\"tool_calls\":[" + String.join(",", toolCalls) + "]");
        }
        write(
                body,
                ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"" + OpenAiWords.of(finished.reason())
                        + "\"}],\"usage\":" + OpenAiWords.of(finished.usage()) + "}");
        return body.toByteArray();
    }

    /** An answer of tool calls only has no content, as with OpenAI. */
    private void writeText(ByteArrayOutputStream body) {
        if (text.size() == 0 && !toolCalls.isEmpty()) {
            write(body, "null");
            return;
        }
        write(body, "\"");
        body.writeBytes(text.toByteArray());
        write(body, "\"");
    }

    private static void write(ByteArrayOutputStream body, String json) {
        body.writeBytes(json.getBytes(StandardCharsets.UTF_8));
    }
}
