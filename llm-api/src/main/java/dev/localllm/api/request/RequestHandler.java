package dev.localllm.api.request;

import java.util.List;
import org.springframework.context.ApplicationContext;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebHandler;
import org.springframework.web.server.adapter.DefaultServerWebExchange;
import org.springframework.web.server.i18n.AcceptHeaderLocaleContextResolver;
import org.springframework.web.server.i18n.LocaleContextResolver;
import org.springframework.web.server.session.DefaultWebSessionManager;
import org.springframework.web.server.session.WebSessionManager;
import reactor.core.publisher.Mono;

/**
 * Passes each request through the filters to the routes, without what Spring's own handler does besides: observations,
 * which are costly, and error handling, which {@link RequestFilter} does. A filter runs when the one before it calls its
 * chain, not when the result is subscribed to. Thread-safe.
 */
public final class RequestHandler implements HttpHandler {

    private final WebHandler chain;
    private final ServerCodecConfigurer codecs;
    private final ApplicationContext context;
    private final WebSessionManager sessions = new DefaultWebSessionManager();
    private final LocaleContextResolver locales = new AcceptHeaderLocaleContextResolver();

    /** @param filters in their order; {@link RequestFilter} is the first */
    public RequestHandler(
            List<WebFilter> filters, WebHandler routes, ServerCodecConfigurer codecs, ApplicationContext context) {
        this.chain = chain(filters, routes);
        this.codecs = codecs;
        this.context = context;
    }

    @Override
    public Mono<Void> handle(ServerHttpRequest request, ServerHttpResponse response) {
        return chain.handle(new DefaultServerWebExchange(request, response, sessions, codecs, locales, context))
                .then(Mono.defer(response::setComplete));
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
