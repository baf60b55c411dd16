package dev.localllm.api.request;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.limit.ClientId;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.web.server.ServerWebExchange;

/**
 * What the log will say of one request: never a word of a prompt or an answer. Written by the one thread that
 * serves the request at that moment; when another ends it, the count of events may be a little behind.
 */
public final class RequestRecord {

    private static final String ATTRIBUTE = RequestRecord.class.getName();
    private static final int MAX_DETAIL = 2000;
    private static final long NANOS_PER_MILLI = 1_000_000;

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
        model = target;
        askedAt = clock.getAsLong();
    }

    /** These events of the answer have come. */
    public void heard(List<ChatEvent> heard) {
        if (events == 0) {
            firstEventAt = clock.getAsLong();
        }
        events += heard.size();
        if (heard.getLast() instanceof Finished end) {
            finished = end;
        }
    }

    /** True if an answer was begun and has not come to its end; the end of a write does not tell. */
    boolean cutOff() {
        return model != null && finished == null;
    }

    /**
     * @param clientHash in place of the client
     * @param detail what the model server said of a failure; null for nothing
     */
    String line(String what, String clientHash, @Nullable Object status, String end, @Nullable String detail) {
        StringBuilder line = new StringBuilder(200)
                .append("id=")
                .append(id)
                .append(" client=")
                .append(clientHash)
                .append(" request=\"")
                .append(what)
                .append('"')
                .append(" model=")
                .append(model == null ? "-" : model.value())
                .append(" status=")
                .append(status == null ? "-" : status)
                .append(" end=")
                .append(end);
        if (model != null) {
            line.append(" prepare_ms=").append((askedAt - start) / NANOS_PER_MILLI);
        }
        if (events > 0) {
            line.append(" first_ms=").append((firstEventAt - askedAt) / NANOS_PER_MILLI);
        }
        line.append(" total_ms=").append((clock.getAsLong() - start) / NANOS_PER_MILLI);
        Finished usage = finished;
        if (usage != null) {
            line.append(" prompt_tokens=")
                    .append(usage.usage().promptTokens())
                    .append(" completion_tokens=")
                    .append(usage.usage().completionTokens());
        } else if (events > 0) {
            line.append(" events=").append(events);
        }
        if (detail != null) {
            line.append(" detail=").append(JsonText.of(bounded(detail)).quoted());
        }
        return line.toString();
    }

    /** Without the control characters that JSON leaves as they are. */
    private static String bounded(String text) {
        String detail = text.replaceAll("[\\x7F-\\x9F\\u2028\\u2029]", "?");
        return detail.length() <= MAX_DETAIL ? detail : detail.substring(0, MAX_DETAIL) + "…";
    }
}
