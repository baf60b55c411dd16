package dev.localllm.api.stream;

import dev.localllm.api.connection.ClientTimer;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * How long a response may take, and how long it may be silent.
 *
 * @param streaming for a streamed response as a whole
 * @param nonStreaming for one that is not streamed: proxies cut a connection that is silent for longer
 * @param heartbeat after how long a silent stream gets a heartbeat; the first comes sooner
 * @param serverStop completes when responses that are still under way must end
 */
public record Timeouts(Duration streaming, Duration nonStreaming, Duration heartbeat, Mono<Void> serverStop) {

    LlmException streamingExceeded() {
        return exceeded("The answer took longer than " + streaming.toSeconds() + " s in all.");
    }

    static LlmException serverStops() {
        return new LlmException(new ShuttingDown());
    }

    /**
     * A response that is not streamed, within its time. When that is over, or the server stops, the response is
     * cancelled and the failure told instead.
     *
     * @param eventLoop of the client's connection, which waits for the end of the time
     */
    <T> Mono<T> nonStreaming(Mono<T> response, EventExecutor eventLoop) {
        Mono<T> timeout = ClientTimer.after(nonStreaming, eventLoop)
                .then(Mono.error(() -> exceeded("The answer was not complete after " + nonStreaming.toSeconds()
                        + " s. Streamed answers may take longer: use stream:true.")));
        return Mono.firstWithSignal(response, timeout, serverStop.then(Mono.error(Timeouts::serverStops)));
    }

    private static LlmException exceeded(String message) {
        LlmFailure failure = new DeadlineExceeded(Deadline.TOTAL, message);
        return new LlmException(failure);
    }
}
