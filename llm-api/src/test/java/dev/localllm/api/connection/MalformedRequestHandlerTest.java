package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.RawRequest;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.failure.LineErrors;
import dev.localllm.api.openai.OpenAiErrors;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/** Two wires on a server that refuses every request that reaches Spring. */
class MalformedRequestHandlerTest {

    private static final String LINES = "{\"failed\":";
    private static final String OPENAI = "{\"error\":";

    private final ErrorFormats formats = new ErrorFormats(List.of(new LineErrors(), new OpenAiErrors()));
    private final FailureHandler failures = new FailureHandler(formats);
    private final DisposableServer server = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                    .addBefore(
                            NettyPipeline.HttpTrafficHandler, null, new MalformedRequestHandler(formats, () -> "id-1")))
            .handle(new ReactorHttpHandlerAdapter(
                    WebHttpHandlerBuilder.webHandler(this::refuse).build()))
            .bindNow();

    @AfterEach
    void stop() {
        server.disposeNow();
    }

    @ParameterizedTest
    @CsvSource({
        "/lines/a, true",
        "/lines/a?b=/v1/, true",
        "/v1/lines/a, false",
        "/lines?a=/lines/, false",
        "/a://b/lines/c, false",
        "//lines/a, false",
        "lines/a, true",
        "*, false",
        "http://localhost/lines/a, true",
        "HTTP://localhost:1234/lines/a?b=c, true",
        "http://localhost/v1/lines/a, false",
        "http://localhost, false",
        "http://localhost?a=/lines/, false",
        "http:/lines/a, false",
    })
    void choosesTheSameFormatAsSpring(String target, boolean lines) throws Exception {
        String format = lines ? LINES : OPENAI;

        assertThat(answer("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                .startsWith("HTTP/1.1 502")
                .contains(format);
        assertThat(answer("GET " + target + " HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 400")
                .contains(format);
    }

    /** The request does not reach Spring. */
    @ParameterizedTest
    @CsvSource({"/lines/%zz, true", "/v1/%zz, false", "http://localhost/lines/%zz, true"})
    void choosesTheFormatOfAPathThatIsNotAUri(String target, boolean lines) throws Exception {
        assertThat(answer("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                .startsWith("HTTP/1.1 400")
                .contains(lines ? LINES : OPENAI);
    }

    private Mono<Void> refuse(ServerWebExchange exchange) {
        exchange.getResponse().getHeaders().set(FailureResponse.REQUEST_ID, "id-1");
        return failures.handle(exchange, new LlmException(new UpstreamFailed("no")));
    }

    private String answer(String text) throws Exception {
        try (RawRequest request = RawRequest.open(URI.create("http://127.0.0.1:" + server.port()))) {
            return request.send(text).readAll();
        }
    }
}
