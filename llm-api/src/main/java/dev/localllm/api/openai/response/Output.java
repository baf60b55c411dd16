package dev.localllm.api.openai.response;

import dev.localllm.api.openai.response.OutputItem.Status;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.TokenLogprob;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The output of one answer, while it arrives: each run of thinking, each run of text and each call is an item. Not
 * thread-safe.
 */
final class Output {

    private static final byte[] COMMA = {','};

    private final String idSuffix;
    private final @Nullable EventWriter events;
    private final List<OutputItem> items = new ArrayList<>();

    /** The last item, if it may grow. */
    private @Nullable OutputItem open;

    /** Of the next text. */
    private List<TokenLogprob> logprobs = List.of();

    /**
     * @param idSuffix of the ids of all items
     * @param events gets the events of the items; null if the response isn't streamed
     */
    Output(String idSuffix, @Nullable EventWriter events) {
        this.idSuffix = idSuffix;
        this.events = events;
    }

    void add(ChatEvent event) {
        switch (event) {
            case ThinkingDelta delta -> addThinking(delta.text());
            case LogprobsDelta delta -> logprobs = delta.tokens();
            case TextDelta delta -> addText(delta.text());
            case ToolCallDelta delta -> {
                begin(new CallItem(id("fc_"), nextIndex(), delta.call()));
                end(Status.COMPLETED);
            }
            case Finished end -> end(end.reason() == FinishReason.LENGTH ? Status.INCOMPLETE : Status.COMPLETED);
        }
    }

    /** Ends the last item, whose rest doesn't arrive, without events. */
    void fail() {
        if (open != null) {
            open.end(Status.INCOMPLETE);
        }
    }

    /** Bytes collected so far. */
    long length() {
        long length = 0;
        for (OutputItem item : items) {
            length += item.length();
        }
        return length;
    }

    /** The items as they are now, separated by commas. */
    List<ByteBuffer> json() {
        List<ByteBuffer> json = new ArrayList<>();
        for (OutputItem item : items) {
            if (!json.isEmpty()) {
                json.add(ByteBuffer.wrap(COMMA));
            }
            json.addAll(item.filled(item.item()));
        }
        return json;
    }

    private void addThinking(JsonText text) {
        ReasoningItem item =
                open instanceof ReasoningItem reasoning ? reasoning : begin(new ReasoningItem(id("rs_"), nextIndex()));
        item.add(text);
        if (events != null) {
            item.writeDelta(text, events);
        }
    }

    private void addText(JsonText text) {
        MessageItem item =
                open instanceof MessageItem message ? message : begin(new MessageItem(id("msg_"), nextIndex()));
        item.add(text, events == null ? logprobs : List.of()); // deltas have them, too
        if (events != null) {
            item.writeDelta(text, logprobs, events);
        }
        logprobs = List.of();
    }

    private <T extends OutputItem> T begin(T item) {
        end(Status.COMPLETED);
        items.add(item);
        open = item;
        if (events != null) {
            item.writeBegin(events);
        }
        return item;
    }

    private void end(Status status) {
        OutputItem last = open;
        if (last == null) {
            return;
        }
        open = null;
        last.end(status);
        if (events != null) {
            last.writeEnd(events);
        }
    }

    private int nextIndex() {
        return items.size();
    }

    private String id(String prefix) {
        return prefix + idSuffix + "_" + nextIndex();
    }
}
