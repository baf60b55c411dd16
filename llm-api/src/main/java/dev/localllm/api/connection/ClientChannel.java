package dev.localllm.api.connection;

import io.netty.channel.Channel;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import reactor.netty.http.server.HttpServerRequest;

/** Finds the connection of a request. */
public final class ClientChannel {

    private ClientChannel() {}

    /** The channel of a request; the request must come from reactor-netty's server. */
    public static Channel of(ServerHttpRequest request) {
        Channel[] channel = new Channel[1];
        HttpServerRequest received = ServerHttpRequestDecorator.getNativeRequest(request);
        received.withConnection(connection -> channel[0] = connection.channel());
        return channel[0];
    }
}
