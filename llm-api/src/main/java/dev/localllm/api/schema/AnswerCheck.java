package dev.localllm.api.schema;

import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Checks one answer against the schemas of its request. */
public final class AnswerCheck {

    private static final int MAX_BYTES = 1 << 20;

    private final List<AnswerSchema> schemas;
    private final @Nullable AnswerSchema ofText;
    private final Scheduler scheduler;
    private final SegmentedBytes text = new SegmentedBytes();

    AnswerCheck(List<AnswerSchema> schemas, Scheduler scheduler) {
        this.schemas = schemas;
        this.ofText = of(null);
        this.scheduler = scheduler;
    }

    /**
     * Checks the events while they pass. A text is checked if the answer ended by itself, so a truncated one is not.
     *
     * @param onMismatch called with a mismatch that is no failure, before the last event passes
     * @param thread emits the events that were checked
     * @return fails with {@link SchemaNotHonoured} instead of the event that a strict schema does not match
     */
    public Flux<List<ChatEvent>> check(Flux<List<ChatEvent>> events, Consumer<String> onMismatch, Executor thread) {
        Scheduler caller = Schedulers.fromExecutor(thread);
        return events.concatMap(
                list -> collect(list)
                        ? Flux.defer(() -> checked(list, onMismatch))
                                .subscribeOn(scheduler)
                                .publishOn(caller, 1)
                        : Mono.just(list),
                1);
    }

    /** Collects the text. Returns true if there is something to check. */
    private boolean collect(List<ChatEvent> events) {
        boolean complete = false;
        for (ChatEvent event : events) {
            switch (event) {
                case TextDelta delta
                when ofText != null && text.length() <= MAX_BYTES ->
                    delta.text().writeTo(text::write);
                case ToolCallDelta delta -> complete |= of(delta.call().function()) != null;
                case Finished end -> complete |= ofText != null && end.reason() == FinishReason.STOP;
                default -> {}
            }
        }
        return complete;
    }

    /** Emits the events before the first failure, if there is one. */
    private Flux<List<ChatEvent>> checked(List<ChatEvent> events, Consumer<String> onMismatch) {
        for (int i = 0; i < events.size(); i++) {
            String fault = fault(events.get(i), onMismatch);
            if (fault != null) {
                Flux<List<ChatEvent>> failure = Flux.error(new LlmException(new SchemaNotHonoured(fault)));
                return i == 0 ? failure : Flux.concat(Flux.just(events.subList(0, i)), failure);
            }
        }
        return Flux.just(events);
    }

    /** The mismatch of an event with a strict schema, or null. */
    private @Nullable String fault(ChatEvent event, Consumer<String> onMismatch) {
        if (event instanceof ToolCallDelta delta) {
            AnswerSchema schema = of(delta.call().function());
            String mismatch =
                    schema == null ? null : schema.mismatch(delta.call().arguments());
            return mismatch == null ? null : "arguments of " + delta.call().function() + ": " + mismatch;
        }
        if (ofText == null || !(event instanceof Finished end) || end.reason() != FinishReason.STOP) {
            return null;
        }
        String mismatch = text.length() > MAX_BYTES ? "it is too long to check" : ofText.mismatch(decoded());
        if (mismatch == null || ofText.demand().strict()) {
            return mismatch;
        }
        onMismatch.accept(mismatch);
        return null;
    }

    private String decoded() {
        byte[] escaped = text.toByteArray();
        return JsonText.ofEscaped(escaped, 0, escaped.length).toString();
    }

    /** @param function null for the text */
    private @Nullable AnswerSchema of(@Nullable String function) {
        for (AnswerSchema schema : schemas) {
            String demanded = schema.demand().function();
            if (function == null ? demanded == null : function.equals(demanded)) {
                return schema;
            }
        }
        return null;
    }
}
