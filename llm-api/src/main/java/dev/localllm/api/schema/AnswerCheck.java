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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

    /** Of the text; null if the text need not match a schema. */
    private final @Nullable AnswerSchema ofText;

    /** By the names of functions. */
    private final Map<String, AnswerSchema> ofArguments = new HashMap<>();

    private final Scheduler scheduler;
    private final SegmentedBytes text = new SegmentedBytes();

    AnswerCheck(List<AnswerSchema> schemas, Scheduler scheduler) {
        AnswerSchema found = null;
        for (AnswerSchema schema : schemas) {
            String function = schema.demand().function();
            if (function == null) {
                found = schema;
            } else {
                ofArguments.put(function, schema);
            }
        }
        this.ofText = found;
        this.scheduler = scheduler;
    }

    /**
     * Checks the events while they pass. A text is checked if the answer ended by itself, so a truncated one is not.
     *
     * @param onMismatch called with a mismatch that is no failure, before the last event passes
     * @param thread calls {@code onMismatch} and emits the events that were checked
     * @return fails with {@link SchemaNotHonoured} instead of the event that a strict schema does not match
     */
    public Flux<List<ChatEvent>> check(Flux<List<ChatEvent>> events, Consumer<String> onMismatch, Executor thread) {
        Scheduler caller = Schedulers.fromExecutor(thread);
        return events.concatMap(
                list -> {
                    collect(list);
                    return isToBeChecked(list)
                            ? Mono.fromCallable(() -> verdict(list))
                                    .subscribeOn(scheduler)
                                    .publishOn(caller)
                                    .flatMapMany(verdict -> emit(list, verdict, onMismatch))
                            : Mono.just(list);
                },
                1);
    }

    private void collect(List<ChatEvent> events) {
        for (ChatEvent event : events) {
            if (ofText != null && event instanceof TextDelta delta && text.length() <= MAX_BYTES) {
                delta.text().writeTo(text::write);
            }
        }
    }

    private boolean isToBeChecked(List<ChatEvent> events) {
        for (ChatEvent event : events) {
            if (endsText(event) || (event instanceof ToolCallDelta delta && isToBeChecked(delta))) {
                return true;
            }
        }
        return false;
    }

    private boolean isToBeChecked(ToolCallDelta delta) {
        return ofArguments.containsKey(delta.call().function());
    }

    private boolean endsText(ChatEvent event) {
        return ofText != null && event instanceof Finished end && end.reason() == FinishReason.STOP;
    }

    /**
     * The first mismatch in a list of events.
     *
     * @param event index of the event that does not match; all events match if there is none
     */
    private record Verdict(int event, String mismatch, boolean strict) {

        private static final Verdict MATCH = new Verdict(-1, "", false);
    }

    private Verdict verdict(List<ChatEvent> events) {
        for (int i = 0; i < events.size(); i++) {
            ChatEvent event = events.get(i);
            String arguments = event instanceof ToolCallDelta delta ? mismatch(delta) : null;
            if (arguments != null) {
                return new Verdict(i, arguments, true);
            }
            String mismatch = endsText(event) ? mismatchOfText() : null;
            if (mismatch != null) {
                return new Verdict(
                        i, mismatch, Objects.requireNonNull(ofText).demand().strict());
            }
        }
        return Verdict.MATCH;
    }

    private @Nullable String mismatch(ToolCallDelta delta) {
        AnswerSchema schema = ofArguments.get(delta.call().function());
        String mismatch = schema == null ? null : schema.mismatch(delta.call().arguments());
        return mismatch == null ? null : "arguments of " + delta.call().function() + ": " + mismatch;
    }

    private @Nullable String mismatchOfText() {
        if (text.length() > MAX_BYTES) {
            return "it is too long to check";
        }
        byte[] escaped = text.toByteArray();
        return Objects.requireNonNull(ofText)
                .mismatch(JsonText.ofEscaped(escaped, 0, escaped.length).toString());
    }

    /** Emits the events before a failure, if there is one. */
    private static Flux<List<ChatEvent>> emit(List<ChatEvent> events, Verdict verdict, Consumer<String> onMismatch) {
        if (verdict.strict()) {
            Flux<List<ChatEvent>> failure = Flux.error(new LlmException(new SchemaNotHonoured(verdict.mismatch())));
            return verdict.event() == 0 ? failure : Flux.concat(Flux.just(events.subList(0, verdict.event())), failure);
        }
        if (verdict.event() >= 0) {
            onMismatch.accept(verdict.mismatch());
        }
        return Flux.just(events);
    }
}
