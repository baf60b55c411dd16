package dev.localllm.api.browser;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatus;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Serves only requests for loopback hosts while the server listens on loopback. A web page from elsewhere can give the
 * server's address a name of its own (DNS rebinding): its requests then carry that name. Thread-safe.
 */
public final class LoopbackHosts implements WebFilter, Ordered {

    /** The host as a container names it, at the other end of an SSH tunnel too. */
    private static final String DOCKER_HOST = "host.docker.internal";

    private final Set<String> allowed = new HashSet<>(Set.of("localhost", DOCKER_HOST));

    /** @param allowedHosts further names, without ports */
    public LoopbackHosts(List<String> allowedHosts) {
        allowedHosts.forEach(host -> allowed.add(normalized(host)));
    }

    /** Right after the filter that answers failures. */
    @Override
    public int getOrder() {
        return HIGHEST_PRECEDENCE + 1;
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        String host = exchange.getRequest().getHeaders().getFirst("Host");
        return isAllowed(host)
                ? chain.filter(exchange)
                : Mono.error(new ResponseStatusException(
                        HttpStatus.FORBIDDEN,
                        "The server listens on loopback and does not serve the host '" + host
                                + "' (see ALLOWED_HOSTS)."));
    }

    /** @param host as in the header, with or without a port; null where HTTP/1.0 has none, which no browser sends */
    boolean isAllowed(@Nullable String host) {
        if (host == null) {
            return true;
        }
        String name = normalized(withoutPort(host));
        return allowed.contains(name) || name.endsWith(".localhost") || isLoopbackAddress(name);
    }

    private static String withoutPort(String host) {
        int bracket = host.indexOf(']');
        int colon = host.indexOf(':', Math.max(0, bracket));
        String name = colon < 0 ? host : host.substring(0, colon);
        return bracket < 0 ? name : name.replaceAll("[\\[\\]]", "");
    }

    private static String normalized(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    private static boolean isLoopbackAddress(String name) {
        byte[] address = NetUtil.createByteArrayFromIpAddressString(name);
        try {
            return address != null && InetAddress.getByAddress(address).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
