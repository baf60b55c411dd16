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
 * What the network's faults mean. Pure.
 *
 * @param server as messages call it
 */
record NetworkFaults(String server) {

    /** The failure that an exchange ended with; what is none of the network's is returned as it is. */
    Throwable failure(Throwable fault) {
        LlmFailure failure = known(fault);
        return failure == null ? fault : new LlmException(failure);
    }

    /** What a fault of the network counts against. */
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
            case IllegalArgumentException e -> notHttp(); // so Netty tells of a bad status line or chunk size
            case AbortedException e -> broken();
            case IOException e -> broken();
            default -> null;
        };
    }

    private LlmFailure noRoute() {
        return new UpstreamUnavailable(server + " can't be reached: no route to its host.");
    }

    private LlmFailure notHttp() {
        return new UpstreamProtocol(server + "'s answer is not HTTP.");
    }

    private LlmFailure broken() {
        return new UpstreamProtocol("The connection to " + server + " broke before the answer was done.");
    }
}
