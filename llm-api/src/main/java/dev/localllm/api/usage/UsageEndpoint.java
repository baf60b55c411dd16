package dev.localllm.api.usage;

import dev.localllm.api.client.ClientHash;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;

/** GET /actuator/usage, on the management port only: what each client has used, named as in the log. */
@Endpoint(id = "usage")
public final class UsageEndpoint {

    /**
     * @param since in seconds of Unix time
     * @param clients the one with the most GPU time first
     * @param others the clients that are not kept, together
     */
    record Report(long since, List<Map<String, Object>> clients, Map<String, Number> others) {}

    private final UsageLedger ledger;
    private final ClientHash hash;

    public UsageEndpoint(UsageLedger ledger, ClientHash hash) {
        this.ledger = ledger;
        this.hash = hash;
    }

    @ReadOperation
    Report report() {
        Comparator<Map.Entry<ClientId, ClientUsage>> byGpuTime = Map.Entry.comparingByValue(
                Comparator.comparing(ClientUsage::gpuTime, Comparator.<Duration>reverseOrder()));
        List<Map<String, Object>> clients = ledger.all().entrySet().stream()
                .sorted(byGpuTime)
                .map(entry -> row(entry.getKey(), entry.getValue()))
                .toList();
        return new Report(
                ledger.since().getEpochSecond(), clients, ledger.others().named());
    }

    private Map<String, Object> row(ClientId client, ClientUsage usage) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("client", hash.of(client));
        row.putAll(usage.named());
        return row;
    }
}
