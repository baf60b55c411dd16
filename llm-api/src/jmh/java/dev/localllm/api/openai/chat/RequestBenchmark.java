package dev.localllm.api.openai.chat;

import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.json.UnknownFields;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimit;
import dev.localllm.core.limit.RateLimiter;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Parsing the body of a request, and charging its client. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RequestBenchmark {

    private static final int CLIENTS = 1 << 16;

    private final byte[] question = body(1);
    private final byte[] conversation = body(101);
    private final RateLimiter limiter =
            new RateLimiter(new RateLimit(1_000_000, 1_000_000), null, CLIENTS, System::nanoTime);
    private final ClientId[] clients =
            IntStream.range(0, CLIENTS).mapToObj(i -> new ClientId("client-" + i)).toArray(ClientId[]::new);
    private final CompletionReader reader =
            new CompletionReader(UnknownFields.IGNORE, new LoadOptions(8192, Duration.ofMinutes(30)));
    private int next;

    @Benchmark
    public Object parseOneMessage() {
        return reader.read(new ByteArrayInputStream(question));
    }

    @Benchmark
    public Object parse101Messages() {
        return reader.read(new ByteArrayInputStream(conversation));
    }

    @Benchmark
    public RateDecision chargeOneOf65536Clients() {
        return limiter.charge(clients[next++ & CLIENTS - 1]);
    }

    private static byte[] body(int messages) {
        return IntStream.range(0, messages)
                .mapToObj(i -> "{\"role\":\"" + (i % 2 == 0 ? "user" : "assistant")
                        + "\",\"content\":\"Why is the sky blue? 하늘은 왜 파랄까?\"}")
                .collect(Collectors.joining(
                        ",",
                        "{\"model\":\"qwen3:4b\",\"stream\":true,\"temperature\":0.7,\"max_tokens\":200,\"messages\":[",
                        "]}"))
                .getBytes(StandardCharsets.UTF_8);
    }
}
