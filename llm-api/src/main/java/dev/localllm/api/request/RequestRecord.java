package dev.localllm.api.request;

import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.web.server.ServerWebExchange;

/**
 * The state of one running request. Only one thread at a time writes to it: the one that serves the request. If another
 * thread ends the request, the number of events may be slightly too low.
 */
public final class RequestRecord {

    private static final String ATTRIBUTE = RequestRecord.class.getName();

    private final String id;
    private final ClientId client;
    private final LongSupplier clock;
    private final long start;
    private volatile @Nullable ModelId model;
    private volatile @Nullable Queued queued;
    private volatile long resolvedAt;
    private volatile long firstEventAt;
    private volatile @Nullable Operation operation;
    private volatile @Nullable String ignoredFields;
    private volatile @Nullable String schemaMismatch;
    private int events;
    private volatile @Nullable Finished finished;

    RequestRecord(String id, ClientId client, LongSupplier clock) {
        this.id = id;
        this.client = client;
        this.clock = clock;
        this.start = clock.getAsLong();
    }

    /** The record that {@link RequestFilter} has put into the exchange. */
    public static RequestRecord of(ServerWebExchange exchange) {
        return Objects.requireNonNull(exchange.getAttribute(ATTRIBUTE), "exchange has no RequestRecord");
    }

    public String id() {
        return id;
    }

    void putInto(ServerWebExchange exchange) {
        exchange.getAttributes().put(ATTRIBUTE, this);
    }

    /** The client that is charged for the request. */
    public ClientId client() {
        return client;
    }

    /** Called first for a request that is to use a model. */
    public void onOperation(Operation requested) {
        operation = requested;
    }

    /** Called with the fields that have no effect, bounded and printable. */
    public void onIgnoredFields(String names) {
        ignoredFields = names;
    }

    /** Called if the answer differs from its schema, with a description that has no values of the answer. */
    public void onSchemaMismatch(String mismatch) {
        schemaMismatch = mismatch;
    }

    /** How the answer differs from the schema of the request; null if it doesn't, or if that is not known yet. */
    public @Nullable String schemaMismatch() {
        return schemaMismatch;
    }

    /** Called when the model is resolved and the request has entered the queue. */
    public void onResolved(ModelId target, Queued entered) {
        resolvedAt = clock.getAsLong();
        queued = entered;
        model = target; // volatile, written last: a thread that reads it also sees the time
    }

    /** Called for each list of events. */
    public void onEvents(List<ChatEvent> arrived) {
        if (events == 0) {
            firstEventAt = clock.getAsLong();
        }
        events += arrived.size();
        if (arrived.getLast() instanceof Finished end) {
            finished = end;
        }
    }

    /**
     * Called when all inputs of a request for embeddings are embedded.
     *
     * @param promptTokens of all inputs together
     * @param work time that the model server worked on them
     */
    public void onEmbedded(int promptTokens, Duration work) {
        onEvents(List.of(new Finished(
                FinishReason.STOP, new Usage(promptTokens, null, 0), new Timings(Duration.ZERO, work, Duration.ZERO))));
    }

    /** Called for each list of events before it is checked: a failed check must not lose what the answer has cost. */
    public void onUncheckedEvents(List<ChatEvent> arrived) {
        if (arrived.getLast() instanceof Finished end) {
            finished = end;
        }
    }

    /** True if the model was resolved and the last event has not arrived. Completion of the write doesn't show that. */
    boolean isIncomplete() {
        return model != null && finished == null;
    }

    /** @param status of the response; null if no response was started */
    RequestEnd end(String method, String path, @Nullable Integer status, String end, @Nullable String detail) {
        Finished last = finished;
        ModelId resolved = model;
        Queued entered = queued;
        return new RequestEnd(
                id,
                client,
                method,
                path,
                operation,
                resolved,
                status,
                end,
                detail,
                resolved == null ? null : Duration.ofNanos(resolvedAt - start),
                events == 0 ? null : Duration.ofNanos(firstEventAt - resolvedAt),
                Duration.ofNanos(clock.getAsLong() - start),
                events,
                ignoredFields,
                schemaMismatch,
                entered == null ? null : entered.receipt(),
                last);
    }
}
