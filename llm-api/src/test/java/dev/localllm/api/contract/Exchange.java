package dev.localllm.api.contract;

import io.netty.handler.codec.http.HttpHeaders;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One response, and the request before it.
 *
 * @param method empty if the request could not be read
 * @param target as in the request line; empty if it could not be read
 * @param request the body of a request; null if it is not known to its end
 * @param body the first bytes of it
 * @param isComplete true if the response was written to its end, and the body has all of it
 */
record Exchange(
        String method,
        String target,
        @Nullable String request,
        int status,
        HttpHeaders headers,
        String body,
        boolean isComplete) {

    /** Empty without a content type. */
    String contentType() {
        String type = headers.get("content-type", "");
        return type.contains(";") ? type.substring(0, type.indexOf(';')) : type;
    }

    /** Of the target, which may be an absolute URI, without the query. Decoded, if its escapes are valid. */
    String path() {
        String path = target.replaceFirst("^https?://[^/?]*", "").replaceFirst("[?#].*$", "");
        try {
            return URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return path;
        }
    }
}
