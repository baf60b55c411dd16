package dev.localllm.upstream;

import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.timeout.ReadTimeoutException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.netty.channel.AbortedException;

/**
 * Maps network faults to failures, and judges them. Pure.
 *
 * @param server the model server's name in messages
 */
record NetworkFaults(String server) {

    /** Maps a network fault to an {@link LlmException}; returns any other fault unchanged. */
    Throwable failure(Throwable fault) {
        LlmFailure failure = known(fault);
        return failure == null ? fault : new LlmException(failure);
    }

    /** Which circuit a network fault counts against. */
    Blame blame(Throwable fault) {
        return switch (fault) {
            case TimeoutException e -> Blame.NONE; // all of our own connections are in use
            default ->
                switch (known(fault)) {
                    case null -> Blame.NONE;
                    case UpstreamProtocol f -> Blame.MODEL;
                    default -> Blame.SERVER;
                };
        };
    }

    private @Nullable LlmFailure known(Throwable fault) {
        return switch (fault) {
            case ConnectTimeoutException e ->
                new DeadlineExceeded(Deadline.CONNECT, server + " can't be reached: connecting took too long.");
            case ReadTimeoutException e -> new UpstreamUnavailable(server + " doesn't answer.");
            case TimeoutException e -> new UpstreamUnavailable("All connections to " + server + " are in use.");
            case ConnectException e -> new UpstreamUnavailable(server + " can't be reached: connection refused.");
            case NoRouteToHostException e -> noRoute();
            case SocketException e when String.valueOf(e.getMessage()).contains("unreachable") -> noRoute();
            case UnknownHostException e -> new UpstreamUnavailable(server + " can't be reached: unknown host.");
            case DecoderException e -> notHttp();
            case IllegalArgumentException e -> notHttp(); // Netty's exception for a bad status line or chunk size
            case AbortedException e -> broken();
            case IOException e -> broken();
            default -> null;
        };
    }

    private LlmFailure noRoute() {
        return new UpstreamUnavailable(server + " can't be reached: no route to its host.");
    }

    private LlmFailure notHttp() {
        return new UpstreamProtocol(server + "'s response is not HTTP.");
    }

    private LlmFailure broken() {
        return new UpstreamProtocol("The connection to " + server + " broke before the response was complete.");
    }
}
