package dev.localllm.api.request;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.web.server.ServerWebExchange;

/**
 * What is known of one request as long as it is served. Written by the one thread that
 * serves the request at that moment; when another ends it, the count of events may be a little behind.
 */
public final class RequestRecord {

    private static final String ATTRIBUTE = RequestRecord.class.getName();

    private final String id;
    private final ClientId client;
    private final LongSupplier clock;
    private final long start;
    private volatile @Nullable ModelId model;
    private volatile long askedAt;
    private volatile long firstEventAt;
    private int events;
    private volatile @Nullable Finished finished;

    RequestRecord(String id, ClientId client, LongSupplier clock) {
        this.id = id;
        this.client = client;
        this.clock = clock;
        this.start = clock.getAsLong();
    }

    /** The record of a request that came through {@link RequestFilter}, as all do. */
    public static RequestRecord of(ServerWebExchange exchange) {
        return Objects.requireNonNull(exchange.getAttribute(ATTRIBUTE), "a request without a record");
    }

    public String id() {
        return id;
    }

    void putInto(ServerWebExchange exchange) {
        exchange.getAttributes().put(ATTRIBUTE, this);
    }

    /** Who is charged. */
    public ClientId client() {
        return client;
    }

    /** The model server is about to be asked. */
    public void asks(ModelId target) {
        askedAt = clock.getAsLong();
        model = target; // whoever sees it sees the time
    }

    /** These events of the answer have come. */
    public void onEvents(List<ChatEvent> arrived) {
        if (events == 0) {
            firstEventAt = clock.getAsLong();
        }
        events += arrived.size();
        if (arrived.getLast() instanceof Finished end) {
            finished = end;
        }
    }

    /** True if an answer was begun and has not come to its end; the end of a write does not tell. */
    boolean cutOff() {
        return model != null && finished == null;
    }

    /** @param status of the response; null if none was begun */
    RequestEnd end(String method, String path, @Nullable Integer status, String end, @Nullable String detail) {
        Finished last = finished;
        ModelId asked = model;
        return new RequestEnd(
                id,
                client,
                method,
                path,
                asked,
                status,
                end,
                detail,
                asked == null ? null : Duration.ofNanos(askedAt - start),
                events == 0 ? null : Duration.ofNanos(firstEventAt - askedAt),
                Duration.ofNanos(clock.getAsLong() - start),
                events,
                last == null ? null : last.usage());
    }
}
