package dev.localllm.ollama;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.tcp.TcpServer;

/** Responds to every request with the same bytes, then closes the connection. */
public final class CannedServer implements AutoCloseable {

    private final AtomicReference<String> request = new AtomicReference<>("");
    private final DisposableServer server;

    public CannedServer(byte[] response) {
        this(response, Mono.empty());
    }

    /** @param end closes the connection, after the response */
    CannedServer(byte[] response, Mono<Void> end) {
        server = TcpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((in, out) -> in.receive()
                        .asString(StandardCharsets.UTF_8)
                        .scan(String::concat)
                        .filter(CannedServer::isComplete)
                        .next()
                        .doOnNext(request::set)
                        .flatMap(complete ->
                                out.sendByteArray(Mono.just(response)).then().then(end)))
                .bindNow();
    }

    public URI baseUrl() {
        return URI.create("http://127.0.0.1:" + server.port());
    }

    /** The last request: headers and body. */
    public String request() {
        return request.get();
    }

    @Override
    public void close() {
        server.disposeNow(Duration.ofSeconds(5));
    }

    private static boolean isComplete(String request) {
        int head = request.indexOf("\r\n\r\n");
        if (head < 0) {
            return false;
        }
        String length = request.replaceFirst("(?is).*?content-length: (\\d+).*", "$1");
        int body = request.substring(head + 4).getBytes(StandardCharsets.UTF_8).length;
        return length.equals(request) || body >= Integer.parseInt(length);
    }
}
