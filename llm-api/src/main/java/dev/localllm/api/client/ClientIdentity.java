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
 * Says who is charged for a request; not who may send one. Only a peer in a trusted network is believed when it names
 * its client: by the header of that name, else by Cloudflare's. Anybody else is his own address. An IPv6 client is
 * his /64, as he can choose freely among the addresses in it. Thread-safe.
 */
public final class ClientIdentity {

    private static final String CLOUDFLARE = "CF-Connecting-IP";
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
        String name = request.getHeaders().getFirst(header);
        if (name != null && NAME.matcher(name).matches()) {
            return new ClientId("name:" + name);
        }
        InetAddress forwarded = literal(request.getHeaders().getFirst(CLOUDFLARE));
        return address(forwarded == null ? peer.getAddress() : forwarded);
    }

    private static ClientId address(InetAddress address) {
        byte[] bytes = address.getAddress();
        byte[] site = address instanceof Inet6Address ? Arrays.copyOf(bytes, SITE_BYTES) : bytes;
        return new ClientId("address:" + HexFormat.of().formatHex(site));
    }

    /** Never looks a name up. */
    private static @Nullable InetAddress literal(@Nullable String text) {
        byte[] bytes = text == null ? null : NetUtil.createByteArrayFromIpAddressString(text);
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
