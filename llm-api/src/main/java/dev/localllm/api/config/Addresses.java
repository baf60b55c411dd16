package dev.localllm.api.config;

import io.netty.util.NetUtil;
import java.net.URI;
import java.util.regex.Pattern;

/** Validates origins, IP addresses and networks. Never does a DNS lookup. */
final class Addresses {

    private static final Pattern IP_LITERAL = Pattern.compile("[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");

    private Addresses() {}

    /** True for a scheme, host and optional port, and nothing else; also for {@code *} if {@code wildcard}. */
    static boolean isOrigin(String text, boolean wildcard) {
        if (text.equals("*")) {
            return wildcard;
        }
        URI uri = URI.create(text);
        boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
        boolean port = uri.getPort() != 0 && uri.getPort() <= 65535;
        return web
                && port
                && uri.getHost() != null
                && text.equals(uri.getScheme() + "://" + uri.getRawAuthority())
                && uri.getUserInfo() == null;
    }

    /** True for an IPv4 or IPv6 address. */
    static boolean isAddress(String text) {
        return IP_LITERAL.matcher(text).matches()
                && (isV6(text) ? NetUtil.isValidIpV6Address(text) : NetUtil.isValidIpV4Address(text));
    }

    /** True for an address with a prefix length (CIDR). */
    static boolean isNetwork(String text) {
        int slash = text.indexOf('/');
        if (slash == -1 || !isAddress(text.substring(0, slash))) {
            return false;
        }
        int prefix = Integer.parseInt(text.substring(slash + 1));
        return prefix >= 0 && prefix <= (isV6(text) ? 128 : 32);
    }

    private static boolean isV6(String text) {
        return text.indexOf(':') >= 0;
    }
}
