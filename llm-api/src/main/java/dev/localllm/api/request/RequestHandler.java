package dev.localllm.api.request;

import java.util.List;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebHandler;
import org.springframework.web.server.adapter.HttpWebHandlerAdapter;
import reactor.core.publisher.Mono;

/**
 * Passes each request through the filters to the routes, without what Spring's own handler does besides: observations,
 * which are costly, and error handling, which {@link RequestFilter} does. Thread-safe.
 */
public final class RequestHandler extends HttpWebHandlerAdapter {

    /** @param filters in their order; {@link RequestFilter} is the first */
    public RequestHandler(List<WebFilter> filters, WebHandler routes) {
        super(chain(filters, routes));
    }

    @Override
    public Mono<Void> handle(ServerHttpRequest request, ServerHttpResponse response) {
        return getDelegate().handle(createExchange(request, response)).then(Mono.defer(response::setComplete));
    }

    private static WebHandler chain(List<WebFilter> filters, WebHandler routes) {
        WebHandler chain = routes;
        for (WebFilter filter : filters.reversed()) {
            WebHandler next = chain;
            chain = exchange -> filter.filter(exchange, next::handle);
        }
        return chain;
    }
}
