package dev.localllm.api.browser;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.reactive.CorsWebFilter;
import org.springframework.web.cors.reactive.DefaultCorsProcessor;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;

/**
 * CORS: the origins whose web pages may call the server. Refuses a request from another origin before any other
 * processing. Allows a request without Origin: it does not come from a web page.
 */
public final class BrowserOrigins {

    private static final long PREFLIGHT_SECONDS = 3600;

    private BrowserOrigins() {}

    /**
     * Creates the filter for all routes.
     *
     * @param allowed exact origins, or {@code *}
     * @param exposed names of the headers that web pages may read
     * @param hasPages true if the server has web pages of its own; on loopback they may call it, too
     */
    public static CorsWebFilter filter(List<String> allowed, List<String> exposed, boolean hasPages) {
        CorsConfiguration cors = new CorsConfiguration();
        cors.setAllowedOrigins(allowed);
        cors.setAllowedMethods(List.of("GET", "POST"));
        cors.setAllowedHeaders(List.of(CorsConfiguration.ALL));
        cors.setExposedHeaders(exposed);
        cors.setMaxAge(PREFLIGHT_SECONDS);
        return new CorsWebFilter(exchange -> cors, new Refusing(allowed, hasPages));
    }

    /**
     * Refuses with an error body instead of an empty one. Also refuses unlisted origins that equal the server's own,
     * which DNS rebinding makes possible: only a loopback host can't be the name of a foreign web page.
     */
    private static final class Refusing extends DefaultCorsProcessor {

        private final List<String> allowed;
        private final boolean hasPages;

        Refusing(List<String> allowed, boolean hasPages) {
            this.allowed = allowed;
            this.hasPages = hasPages;
        }

        @Override
        public boolean process(@Nullable CorsConfiguration cors, ServerWebExchange exchange) {
            exchange.getResponse().getHeaders().setVary(List.of(HttpHeaders.ORIGIN));
            String origin = exchange.getRequest().getHeaders().getOrigin();
            if (origin != null && !isAllowed(origin, exchange.getRequest())) {
                throw new ResponseStatusException(
                        HttpStatus.FORBIDDEN, "The origin " + origin + " is not in ALLOWED_ORIGINS.");
            }
            return super.process(cors, exchange);
        }

        private boolean isAllowed(String origin, ServerHttpRequest request) {
            return allowed.contains(origin)
                    || allowed.contains(CorsConfiguration.ALL)
                    || (hasPages && isOwnPage(origin, request.getHeaders().getFirst(HttpHeaders.HOST)));
        }

        private static boolean isOwnPage(String origin, @Nullable String host) {
            return host != null && origin.equals("http://" + host) && LoopbackHosts.isLoopback(host);
        }

        @Override
        protected void rejectRequest(ServerHttpResponse response) {
            throw new ResponseStatusException(
                    HttpStatus.FORBIDDEN, "The method or a header is not allowed for web pages.");
        }
    }
}
