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
 * Refuses requests for hosts that are not loopback. Use it if the server listens on loopback. Prevents DNS rebinding: a
 * foreign web page maps its own host name to the server's address, and its requests carry that name. Thread-safe.
 */
public final class LoopbackHosts implements WebFilter, Ordered {

    /** The host's name inside a container. Requests through an SSH tunnel carry it, too. */
    private static final String DOCKER_HOST = "host.docker.internal";

    private final Set<String> allowed = new HashSet<>(Set.of(DOCKER_HOST));

    /** @param allowedHosts further names, without ports */
    public LoopbackHosts(List<String> allowedHosts) {
        allowedHosts.forEach(host -> allowed.add(normalized(host)));
    }

    /** Directly after {@code RequestFilter}, which responds to failures. */
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

    /**
     * @param host value of the Host header, with or without a port; null is allowed, as only HTTP/1.0 clients omit it,
     *     and no browser does
     */
    boolean isAllowed(@Nullable String host) {
        return host == null || isLoopback(host) || allowed.contains(normalized(withoutPort(host)));
    }

    /**
     * True for names that browsers resolve to loopback only, and for loopback addresses.
     *
     * @param host with or without a port
     */
    static boolean isLoopback(String host) {
        String name = normalized(withoutPort(host));
        return name.equals("localhost") || name.endsWith(".localhost") || isLoopbackAddress(name);
    }

    private static String withoutPort(String host) {
        int bracket = host.indexOf(']');
        int colon = host.indexOf(':', Math.max(0, bracket));
        String name = colon == -1 ? host : host.substring(0, colon);
        return bracket == -1 ? name : name.replaceAll("[\\[\\]]", "");
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
