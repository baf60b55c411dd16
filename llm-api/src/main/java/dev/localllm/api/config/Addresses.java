package dev.localllm.api.config;

import io.netty.util.NetUtil;
import java.net.URI;
import java.util.regex.Pattern;

/** Recognises origins and networks. */
final class Addresses {

    private static final Pattern IP_LITERAL = Pattern.compile("[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");

    private Addresses() {}

    /** True for scheme, host and optional port and nothing else, and for {@code *} if that may stand. */
    static boolean isOrigin(String text, boolean wildcard) {
        if (text.equals("*")) {
            return wildcard;
        }
        URI uri = URI.create(text);
        boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
        boolean port = uri.getPort() >= -1 && uri.getPort() <= 65535 && uri.getPort() != 0;
        return web
                && port
                && uri.getHost() != null
                && text.equals(uri.getScheme() + "://" + uri.getRawAuthority())
                && uri.getUserInfo() == null;
    }

    /** True for an address with a prefix length (CIDR). Never looks a name up. */
    static boolean isNetwork(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || !IP_LITERAL.matcher(text.substring(0, slash)).matches()) {
            return false;
        }
        String address = text.substring(0, slash);
        boolean v6 = address.indexOf(':') >= 0;
        boolean valid = v6 ? NetUtil.isValidIpV6Address(address) : NetUtil.isValidIpV4Address(address);
        int prefix = Integer.parseInt(text.substring(slash + 1));
        return valid && prefix >= 0 && prefix <= (v6 ? 128 : 32);
    }
}
