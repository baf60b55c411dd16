package dev.localllm.api.browser;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
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
     */
    public static CorsWebFilter filter(List<String> allowed, List<String> exposed) {
        CorsConfiguration cors = new CorsConfiguration();
        cors.setAllowedOrigins(allowed);
        cors.setAllowedMethods(List.of("GET", "POST"));
        cors.setAllowedHeaders(List.of(CorsConfiguration.ALL));
        cors.setExposedHeaders(exposed);
        cors.setMaxAge(PREFLIGHT_SECONDS);
        return new CorsWebFilter(exchange -> cors, new Refusing(allowed));
    }

    /**
     * Refuses with an error body instead of an empty one. Also refuses unlisted origins that equal the server's own,
     * which DNS rebinding makes possible.
     */
    private static final class Refusing extends DefaultCorsProcessor {

        private final List<String> allowed;

        Refusing(List<String> allowed) {
            this.allowed = allowed;
        }

        @Override
        public boolean process(@Nullable CorsConfiguration cors, ServerWebExchange exchange) {
            exchange.getResponse().getHeaders().setVary(List.of(HttpHeaders.ORIGIN));
            String origin = exchange.getRequest().getHeaders().getOrigin();
            if (origin != null && !allowed.contains(origin) && !allowed.contains(CorsConfiguration.ALL)) {
                throw new ResponseStatusException(
                        HttpStatus.FORBIDDEN, "The origin " + origin + " is not in ALLOWED_ORIGINS.");
            }
            return super.process(cors, exchange);
        }

        @Override
        protected void rejectRequest(ServerHttpResponse response) {
            throw new ResponseStatusException(
                    HttpStatus.FORBIDDEN, "The method or a header is not allowed for web pages.");
        }
    }
}
