package dev.localllm.api.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.limit.ClientId;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestMetricsTest {

    private static final Finished ANSWER = new Finished(FinishReason.STOP, new Usage(7, null, 5), Timings.ZERO);

    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final RequestMetrics metrics =
            new RequestMetrics(registry, "server", new ModelLabels(List.of(new ModelId("allowed")), 2));

    @Test
    void namesModelsThatAreAllowedOrHaveAnswered() {
        for (String model : new String[] {"allowed", "a", "b", "c"}) {
            metrics.accept(end(Operation.CHAT, model, "upstream_failed", true, 0, null));
            metrics.accept(end(Operation.CHAT, model, "done", true, 1, ANSWER));
        }

        assertThat(durations("allowed:latest")).isEqualTo(2);
        assertThat(durations("a:latest")).isOne();
        assertThat(durations("b:latest")).isOne();
        assertThat(durations("other")).isEqualTo(4); // three failures before an answer, and one model too many
    }

    @Test
    void namesNoModelBeforeItIsResolved() {
        metrics.accept(end(Operation.CHAT, null, "rate_limit_exceeded", null, 0, null));

        assertThat(durations("")).isOne();
    }

    @ParameterizedTest
    @CsvSource({
        "upstream_failed, true, 1, 0",
        "upstream_unavailable, , 1, 0",
        "total_timeout, true, 1, 0",
        "total_timeout, false, 0, 1",
        "schema_not_honoured, true, 1, 0",
        "queue_timeout, false, 0, 1",
        "internal_error, true, 0, 0",
        "shutting_down, true, 0, 0",
        "context_length_exceeded, true, 0, 0"
    })
    void blamesTheModelServerOrRefuses(String end, @Nullable Boolean started, int failures, int refusals) {
        metrics.accept(end(Operation.CHAT, "m", end, started, 0, null));

        assertThat(sum("llm.upstream.failures")).isEqualTo(failures);
        assertThat(sum("llm.refusals")).isEqualTo(refusals);
    }

    @Test
    void countsTokensOfAnAnswerWithoutAFirstEvent() {
        metrics.accept(end(Operation.CHAT, "m", "schema_not_honoured", true, 0, ANSWER));

        assertThat(registry.get("gen_ai.client.token.usage").summaries())
                .extracting(DistributionSummary::totalAmount)
                .containsExactlyInAnyOrder(7.0, 5.0);
    }

    @ParameterizedTest
    @CsvSource({",0,request", "false,0,queue", "true,0,first_token", "true,3,generation"})
    void tellsWhenTheClientLeft(@Nullable Boolean started, int events, String phase) {
        metrics.accept(end(Operation.CHAT, "m", "client_slow", started, events, null));

        assertThat(registry.get("llm.aborts")
                        .tags("reason", "client_slow", "phase", phase)
                        .counter()
                        .count())
                .isOne();
    }

    @Test
    void ignoresRequestsThatNeedNoModel() {
        metrics.accept(end(null, null, "done", null, 0, null));

        assertThat(registry.find("gen_ai.server.request.duration").timers()).isEmpty();
    }

    private double sum(String counter) {
        return registry.get(counter).counters().stream()
                .mapToDouble(Counter::count)
                .sum();
    }

    private long durations(String model) {
        return registry.get("gen_ai.server.request.duration").tag("gen_ai.request.model", model).timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }

    /** @param started null if the request did not enter the queue */
    private static RequestEnd end(
            @Nullable Operation operation,
            @Nullable String model,
            String end,
            @Nullable Boolean started,
            int events,
            @Nullable Finished finished) {
        return new RequestEnd(
                "id",
                new ClientId("ann"),
                "POST",
                "/v1/chat/completions",
                operation,
                model == null ? null : new ModelId(model),
                200,
                end,
                null,
                null,
                null,
                Duration.ofSeconds(9),
                events,
                null,
                null,
                started == null
                        ? null
                        : new Receipt(Duration.ofSeconds(1), Duration.ZERO, Duration.ofSeconds(2), started),
                finished);
    }
}
