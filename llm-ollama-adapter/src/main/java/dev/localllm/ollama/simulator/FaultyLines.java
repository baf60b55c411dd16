package dev.localllm.ollama.simulator;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** Applies a fault to the lines of a response. */
final class FaultyLines {

    private static final byte[] GARBAGE = "<html>502 Bad Gateway</html>\n".getBytes(StandardCharsets.UTF_8);
    private static final SimulatorWire.ErrorBody RUNNER_DIED =
            new SimulatorWire.ErrorBody("an error was encountered while running the model: unexpected EOF");

    private FaultyLines() {}

    static Flux<byte[]> of(Flux<byte[]> lines, @Nullable Fault fault, HttpServerResponse response) {
        return switch (fault) {
            case Fault.Pauses f ->
                lines.index()
                        .concatMap(line -> line.getT1() == f.tokens()
                                ? Mono.just(line.getT2()).delayElement(f.pause())
                                : Mono.just(line.getT2()));
            case Fault.Stalls f -> lines.take(f.tokens()).concatWith(Mono.never());
            case Fault.CutsLine f ->
                lines.index((index, line) -> index < f.tokens() ? line : Arrays.copyOf(line, line.length / 2))
                        .take(f.tokens() + 1L)
                        .concatWith(closed(response));
            case Fault.Drops f -> lines.take(f.tokens()).concatWith(closed(response));
            case Fault.SendsGarbage f -> lines.take(f.tokens()).concatWith(Mono.just(GARBAGE));
            case Fault.SendsError f -> lines.take(f.tokens()).concatWith(Mono.just(SimulatorWire.line(RUNNER_DIED)));
            case Fault.EndsEarly f -> lines.take(f.tokens());
            case null, default -> lines;
        };
    }

    /** Closes the connection after the earlier lines were sent. */
    private static Mono<byte[]> closed(HttpServerResponse response) {
        return Mono.<byte[]>never()
                .doOnSubscribe(subscription -> response.withConnection(
                        connection -> connection.channel().eventLoop().execute(connection::dispose)));
    }
}
