package dev.localllm.api.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.limit.ClientId;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestMetricsTest {

    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final RequestMetrics metrics = new RequestMetrics(registry, "server", 2);

    @Test
    void namesABoundedNumberOfModels() {
        for (String model : new String[] {"a", "b", "c", "d", "A:latest"}) {
            metrics.accept(end(Operation.CHAT, model, "upstream_failed", true, 0));
        }

        assertThat(durations("a:latest")).isEqualTo(2);
        assertThat(durations("b:latest")).isOne();
        assertThat(durations("other")).isEqualTo(2);
    }

    @Test
    void namesNoModelThatDoesNotExist() {
        metrics.accept(end(Operation.CHAT, "none", "model_not_found", true, 0));
        metrics.accept(end(Operation.CHAT, null, "rate_limit_exceeded", null, 0));

        assertThat(durations("")).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({",0,request", "false,0,queue", "true,0,first_token", "true,3,generation"})
    void tellsWhenTheClientLeft(@Nullable Boolean started, int events, String phase) {
        metrics.accept(end(Operation.CHAT, "m", "client_slow", started, events));

        assertThat(registry.get("llm.aborts")
                        .tags("reason", "client_slow", "phase", phase)
                        .counter()
                        .count())
                .isOne();
    }

    @Test
    void countsNoFailureOfTheClientAsOneOfTheModelServer() {
        metrics.accept(end(Operation.CHAT, "m", "context_length_exceeded", true, 0));

        assertThat(registry.get("llm.upstream.failures").counters()).allMatch(counter -> counter.count() == 0);
        assertThat(registry.get("llm.refusals").counters()).allMatch(counter -> counter.count() == 0);
    }

    @Test
    void ignoresRequestsThatNeedNoModel() {
        metrics.accept(end(null, null, "done", null, 0));

        assertThat(registry.find("gen_ai.server.request.duration").timers()).isEmpty();
    }

    private long durations(String model) {
        return registry.get("gen_ai.server.request.duration").tag("gen_ai.request.model", model).timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }

    /** @param started null if the request did not enter the queue */
    private static RequestEnd end(
            @Nullable Operation operation, @Nullable String model, String end, @Nullable Boolean started, int events) {
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
                null);
    }
}
