package dev.localllm.api.usage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UsageLedgerTest {

    private static final ClientId ANN = new ClientId("ann");
    private static final ClientId BOB = new ClientId("bob");
    private static final ClientId CID = new ClientId("cid");
    private static final Finished ANSWERED = new Finished(FinishReason.STOP, new Usage(10, 4, 20), Timings.ZERO);
    private static final Finished WITHOUT_CACHE = new Finished(FinishReason.STOP, new Usage(1, null, 2), Timings.ZERO);

    private final UsageLedger ledger = new UsageLedger(2, Instant.EPOCH);

    @Test
    void sumsUp() {
        ledger.accept(end(ANN, "done", 3, ANSWERED));
        ledger.accept(end(ANN, "done", 2, WITHOUT_CACHE));
        ledger.accept(end(BOB, "done", 1, ANSWERED));

        assertThat(ledger.of(ANN)).isEqualTo(usage(2, 0, 0, 0, 11, 4, 22, 5));
        assertThat(ledger.of(CID)).isEqualTo(ClientUsage.NONE);
    }

    @Test
    void countsEachRequestThatIsNotAnsweredOnce() {
        ledger.accept(end(ANN, "rate_limited", null, null));
        ledger.accept(end(ANN, "queue_timeout", 0, null));
        ledger.accept(end(ANN, "upstream_failed", 2, null));
        ledger.accept(end(ANN, "client_gone", 3, null));
        ledger.accept(end(ANN, "client_slow", 4, ANSWERED));
        ledger.accept(end(ANN, "client_gone", null, null));

        assertThat(ledger.of(ANN)).isEqualTo(usage(6, 2, 1, 3, 10, 4, 20, 9));
    }

    @Test
    void ignoresOtherRequests() {
        ledger.accept(end(ANN, null, "done", 1, null));

        assertThat(ledger.all()).isEmpty();
    }

    @Test
    void addsTheClientThatWasSilentForTheLongestTimeToTheOthers() {
        ledger.accept(end(ANN, "done", 1, ANSWERED));
        ledger.accept(end(BOB, "done", 2, ANSWERED));
        ledger.accept(end(ANN, "done", 4, ANSWERED));

        ledger.accept(end(CID, "done", 8, ANSWERED));

        assertThat(ledger.all()).containsOnlyKeys(ANN, CID);
        assertThat(ledger.others()).isEqualTo(usage(1, 0, 0, 0, 10, 4, 20, 2));
    }

    private static ClientUsage usage(
            long requests, long refused, long failed, long aborted, long prompt, long cached, long generated, int gpu) {
        return new ClientUsage(requests, refused, failed, aborted, prompt, cached, generated, Duration.ofSeconds(gpu));
    }

    /** @param gpuSeconds null if the request did not enter the queue; 0 if it did not start */
    private static RequestEnd end(ClientId client, String end, @Nullable Integer gpuSeconds, @Nullable Finished last) {
        return end(client, Operation.CHAT, end, gpuSeconds, last);
    }

    private static RequestEnd end(
            ClientId client,
            @Nullable Operation operation,
            String end,
            @Nullable Integer gpuSeconds,
            @Nullable Finished last) {
        return new RequestEnd(
                "id",
                client,
                "POST",
                "/v1/chat/completions",
                operation,
                null,
                200,
                end,
                null,
                null,
                null,
                Duration.ofSeconds(9),
                0,
                null,
                null,
                gpuSeconds == null
                        ? null
                        : new Receipt(
                                Duration.ofSeconds(1), Duration.ZERO, Duration.ofSeconds(gpuSeconds), gpuSeconds > 0),
                last);
    }
}
