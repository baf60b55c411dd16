package dev.localllm.core.admission;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/**
 * Limits of the {@link FairQueue}.
 *
 * @param requests maximum of running and waiting requests in all, 1 or more
 * @param waitingPerClient maximum of one client's waiting requests; 0 for no waiting
 * @param parallel maximum of concurrent generations of one model, 1 or more
 * @param parallelByModel for the models whose maximum differs
 * @param weights of clients, 1 or more; the others have weight 1
 * @param timeout how long a request may wait
 * @param switchAfter how long requests for loaded models may go before one whose turn it is, if that one needs another
 *     model
 */
public record QueueLimits(
        int requests,
        int waitingPerClient,
        int parallel,
        Map<ModelId, Integer> parallelByModel,
        Map<ClientId, Integer> weights,
        Duration timeout,
        Duration switchAfter) {

    public QueueLimits {
        requirePositive("requests", requests);
        requirePositive("parallel", parallel);
        parallelByModel.forEach((model, count) -> requirePositive("parallel of " + model, count));
        weights.forEach((client, weight) -> requirePositive("weight", weight));
        if (waitingPerClient < 0 || timeout.isNegative() || switchAfter.isNegative()) {
            throw new IllegalArgumentException(
                    "negative limit: " + waitingPerClient + ", " + timeout + ", " + switchAfter);
        }
        parallelByModel = Map.copyOf(parallelByModel);
        weights = Map.copyOf(weights);
    }

    /** The maximum of each model that differs, by its normalized name. */
    Map<String, Integer> parallelByName() {
        Map<String, Integer> byName = new TreeMap<>();
        parallelByModel.forEach((model, count) -> byName.put(model.normalized(), count));
        return byName;
    }

    int weight(ClientId client) {
        return weights.getOrDefault(client, 1);
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 or more)");
        }
    }
}
