package dev.localllm.api.connection;

import io.netty.channel.Channel;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import reactor.netty.http.server.HttpServerRequest;

/** The connection that a request came on. */
public final class ClientChannel {

    private ClientChannel() {}

    /** Of a request that the web server received, not of a mock. */
    public static Channel of(ServerHttpRequest request) {
        Channel[] channel = new Channel[1];
        HttpServerRequest received = ServerHttpRequestDecorator.getNativeRequest(request);
        received.withConnection(connection -> channel[0] = connection.channel());
        return channel[0];
    }
}
