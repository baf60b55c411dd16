package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.netty.channel.AbortedException;

class NetworkFaultsTest {

    private final NetworkFaults faults = new NetworkFaults("Server");

    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of(new ConnectTimeoutException(), DeadlineExceeded.class, Blame.SERVER),
                Arguments.of(ReadTimeoutException.INSTANCE, UpstreamUnavailable.class, Blame.SERVER),
                Arguments.of(new ConnectException(), UpstreamUnavailable.class, Blame.SERVER),
                Arguments.of(new UnknownHostException(), UpstreamUnavailable.class, Blame.SERVER),
                Arguments.of(new NoRouteToHostException(), UpstreamUnavailable.class, Blame.SERVER),
                Arguments.of(new SocketException("Network is unreachable"), UpstreamUnavailable.class, Blame.SERVER),
                Arguments.of(new SocketException("Connection reset"), UpstreamProtocol.class, Blame.MODEL),
                Arguments.of(AbortedException.beforeSend(), UpstreamProtocol.class, Blame.MODEL),
                Arguments.of(new TimeoutException(), UpstreamUnavailable.class, Blame.NONE),
                Arguments.of(new DecoderException(), UpstreamProtocol.class, Blame.MODEL),
                Arguments.of(new NumberFormatException("a chunk's size"), UpstreamProtocol.class, Blame.MODEL),
                Arguments.of(new IOException("Connection reset by peer"), UpstreamProtocol.class, Blame.MODEL));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void mapsAndJudgesEveryFault(Throwable fault, Class<? extends LlmFailure> expected, Blame blame) {
        assertThat(faults.failure(fault))
                .isInstanceOfSatisfying(
                        LlmException.class, e -> assertThat(e.failure()).isInstanceOf(expected));
        assertThat(faults.blame(fault)).isEqualTo(blame);
    }

    @Test
    void changesNoProgrammingErrors() {
        IllegalStateException mistake = new IllegalStateException();

        assertThat(faults.failure(mistake)).isSameAs(mistake);
        assertThat(faults.blame(mistake)).isEqualTo(Blame.NONE);
    }

    @Test
    void namesTheServer() {
        assertThat(faults.failure(new ConnectException()))
                .isInstanceOfSatisfying(
                        LlmException.class,
                        e -> assertThat(e.failure())
                                .isEqualTo(new UpstreamUnavailable("Server can't be reached: connection refused.")));
    }
}
