package dev.localllm.api.client;

import dev.localllm.core.limit.ClientId;
import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Finds the client that is charged for a request; it does not authorize. The configured header is used only if the peer
 * is in a trusted network; otherwise the client is the peer's address. IPv6 clients are identified by their /64, in
 * which they can choose any address. Thread-safe.
 */
public final class ClientIdentity {

    private static final Pattern NAME = Pattern.compile("[\\x21-\\x7E]{1,128}");
    private static final int SITE_BYTES = 8;

    private final List<IpSubnetFilterRule> trusted;
    private final String header;

    /**
     * @param trustedNetworks in CIDR notation, such as {@code 10.0.0.0/8}
     * @param header in which a trusted peer names its client
     */
    public ClientIdentity(List<String> trustedNetworks, String header) {
        this.trusted = trustedNetworks.stream().map(ClientIdentity::rule).toList();
        this.header = header;
    }

    public ClientId of(ServerHttpRequest request) {
        InetSocketAddress peer = request.getRemoteAddress();
        if (peer == null || peer.getAddress() == null) {
            return new ClientId("unknown");
        }
        if (!isTrusted(peer)) {
            return address(peer.getAddress());
        }
        List<String> names = request.getHeaders().getOrEmpty(header);
        // With two values, one may come from the client instead of the proxy.
        if (names.size() != 1 || !NAME.matcher(names.getFirst()).matches()) {
            return address(peer.getAddress());
        }
        InetAddress named = literal(names.getFirst());
        return named == null ? new ClientId("name:" + names.getFirst()) : address(named);
    }

    private boolean isTrusted(InetSocketAddress peer) {
        for (IpSubnetFilterRule network : trusted) {
            if (network.matches(peer)) {
                return true;
            }
        }
        return false;
    }

    private static ClientId address(InetAddress address) {
        byte[] bytes = address.getAddress();
        byte[] site = address instanceof Inet6Address ? Arrays.copyOf(bytes, SITE_BYTES) : bytes;
        return new ClientId("address:" + HexFormat.of().formatHex(site));
    }

    /** Parses an IP address; null if it is none. Never does a DNS lookup. */
    private static @Nullable InetAddress literal(String text) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        try {
            return bytes == null ? null : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            return null;
        }
    }

    private static IpSubnetFilterRule rule(String network) {
        int slash = network.indexOf('/');
        return new IpSubnetFilterRule(
                network.substring(0, slash), Integer.parseInt(network.substring(slash + 1)), IpFilterRuleType.ACCEPT);
    }
}
