package dev.localllm.ollama;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Records requested paths. Responds only to GET /api/version, and only after {@link #answerVersion}. */
final class AskedServer implements AutoCloseable {

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final Sinks.Many<String> asking = Sinks.many().replay().limit(100);
    private final Sinks.Empty<Void> version = Sinks.empty();
    private final DisposableServer server;

    private AskedServer(int port) {
        server = HttpServer.create()
                .host("127.0.0.1")
                .port(port)
                .handle((request, response) -> {
                    asked.add(request.uri());
                    asking.tryEmitNext(request.uri()).orThrow();
                    return request.uri().equals("/api/version")
                            ? version.asMono()
                                    .then(response.sendString(Mono.just("{\"version\":\"0.0.0\"}"))
                                            .then())
                            : Mono.never();
                })
                .bindNow();
    }

    static AskedServer start(int port) {
        return new AskedServer(port);
    }

    List<String> asked() {
        return asked;
    }

    void awaitAsked(String path) {
        asking.asFlux().filter(path::equals).blockFirst(Answers.TIMEOUT);
    }

    void answerVersion() {
        version.tryEmitEmpty().orThrow();
    }

    @Override
    public void close() {
        server.disposeNow(Duration.ofSeconds(5));
    }
}
