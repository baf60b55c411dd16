package dev.localllm.api.stream;

import dev.localllm.api.connection.AbortSignal;
import dev.localllm.api.connection.TimedCollector;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;

/**
 * Timeouts and heartbeat interval of responses.
 *
 * @param streaming total time of a streamed response
 * @param nonStreaming total time of a non-streaming response; proxies cut a connection that is silent for longer
 * @param heartbeat a stream that is silent for this long gets a heartbeat; the first one comes sooner
 * @param serverStop ends running responses
 */
public record Timeouts(Duration streaming, Duration nonStreaming, Duration heartbeat, AbortSignal serverStop) {

    LlmException streamingExceeded() {
        return exceeded("The response took longer than " + streaming.toSeconds() + " s.");
    }

    /**
     * The limits of a non-streaming response. On timeout, it fails with an {@link LlmException}.
     *
     * @param eventLoop of the client's connection; runs the timer
     * @param advice one sentence for the caller of a response that takes longer
     */
    public TimedCollector.Limits nonStreaming(EventExecutor eventLoop, String advice) {
        return new TimedCollector.Limits(
                nonStreaming,
                eventLoop,
                () -> exceeded("The response was not complete after " + nonStreaming.toSeconds() + " s. " + advice),
                serverStop);
    }

    private static LlmException exceeded(String message) {
        LlmFailure failure = new DeadlineExceeded(Deadline.TOTAL, message);
        return new LlmException(failure);
    }
}
