package dev.localllm.api.usage;

import dev.localllm.api.request.RequestEnd;
import dev.localllm.core.limit.ClientId;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Sums the requests of each client since the start. Keeps a bounded number of clients: at the limit, the sums of the one
 * that has sent nothing for the longest time are added to those of {@link #others}. Thread-safe.
 */
public final class UsageLedger implements Consumer<RequestEnd> {

    private final int maxClients;
    private final Instant since;
    private final Map<ClientId, ClientUsage> clients = new LinkedHashMap<>(16, 0.75f, true);
    private ClientUsage others = ClientUsage.NONE;

    /** @param since the time of the start */
    public UsageLedger(int maxClients, Instant since) {
        this.maxClients = maxClients;
        this.since = since;
    }

    /** Counts a request that was to use a model; ignores others. */
    @Override
    public void accept(RequestEnd request) {
        if (request.operation() == null) {
            return;
        }
        ClientUsage usage = ClientUsage.of(request);
        synchronized (this) {
            clients.merge(request.client(), usage, ClientUsage::plus);
            if (clients.size() > maxClients) {
                Map.Entry<ClientId, ClientUsage> eldest =
                        clients.entrySet().iterator().next();
                others = others.plus(eldest.getValue());
                clients.remove(eldest.getKey());
            }
        }
    }

    Instant since() {
        return since;
    }

    synchronized ClientUsage of(ClientId client) {
        return clients.getOrDefault(client, ClientUsage.NONE);
    }

    /** A copy. */
    synchronized Map<ClientId, ClientUsage> all() {
        return new LinkedHashMap<>(clients);
    }

    /** Sums of the clients that are not kept. */
    synchronized ClientUsage others() {
        return others;
    }
}
