package dev.localllm.api.openai;

import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.springframework.core.io.buffer.DataBuffer;
import reactor.core.publisher.Mono;

/**
 * How long a response may take, and how long it may be silent.
 *
 * @param stream for a streamed answer as a whole
 * @param whole for one that is not streamed: proxies cut a connection that is silent for longer
 * @param heartbeat after how long a silent stream gets a comment; the first comes sooner
 * @param serverOver completes when the server will wait no longer
 * @param clock in nanoseconds, as {@link System#nanoTime}
 */
public record AnswerTimes(
        Duration stream, Duration whole, Duration heartbeat, Mono<Void> serverOver, LongSupplier clock) {

    /** Fails when a stream must end, and never completes. */
    <T> Mono<T> streamOver() {
        return over(
                stream,
                new DeadlineExceeded(
                        Deadline.TOTAL, "The answer took longer than " + stream.toSeconds() + " s in all."));
    }

    /** Fails when an answer that is not streamed must end, and never completes. */
    <T> Mono<T> wholeOver() {
        return over(
                whole,
                new DeadlineExceeded(
                        Deadline.TOTAL,
                        "The answer was not complete after " + whole.toSeconds()
                                + " s. Streamed answers may take longer: use stream:true."));
    }

    Heartbeats heartbeats(Supplier<DataBuffer> comment) {
        return new Heartbeats(heartbeat, comment, clock);
    }

    private <T> Mono<T> over(Duration total, LlmFailure tooLong) {
        return Mono.firstWithSignal(
                Mono.delay(total).then(failure(tooLong)), serverOver.then(failure(new ShuttingDown())));
    }

    private static <T> Mono<T> failure(LlmFailure failure) {
        return Mono.error(() -> new LlmException(failure));
    }
}
