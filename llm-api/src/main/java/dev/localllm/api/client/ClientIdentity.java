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
 * Says who is charged for a request; not who may send one. One header is believed, and only from a peer in a trusted
 * network; without it the client is the peer's address. A client known by an IPv6 address is its /64, as it can choose
 * freely among the addresses in it. Thread-safe.
 */
public final class ClientIdentity {

    private static final Pattern NAME = Pattern.compile("[\\x21-\\x7E]{1,128}");
    private static final int SITE_BYTES = 8;

    private final List<IpSubnetFilterRule> trusted;
    private final String header;

    /**
     * @param trustedNetworks each as {@code 10.0.0.0/8}
     * @param header by which a trusted peer names its client
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
        if (trusted.stream().noneMatch(network -> network.matches(peer))) {
            return address(peer.getAddress());
        }
        List<String> names = request.getHeaders().getOrEmpty(header);
        // A second value may be the client's own, added to the proxy's.
        if (names.size() != 1 || !NAME.matcher(names.getFirst()).matches()) {
            return address(peer.getAddress());
        }
        InetAddress named = literal(names.getFirst());
        return named == null ? new ClientId("name:" + names.getFirst()) : address(named);
    }

    private static ClientId address(InetAddress address) {
        byte[] bytes = address.getAddress();
        byte[] site = address instanceof Inet6Address ? Arrays.copyOf(bytes, SITE_BYTES) : bytes;
        return new ClientId("address:" + HexFormat.of().formatHex(site));
    }

    /** Never looks a name up. */
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
