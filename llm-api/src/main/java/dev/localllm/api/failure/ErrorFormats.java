package dev.localllm.api.failure;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;

/** Finds the format of the wire that a request belongs to. Thread-safe. */
public final class ErrorFormats {

    private final List<ErrorFormat> formats;

    /** @param formats one or more; the first match is used, or the last one if none matches */
    public ErrorFormats(List<ErrorFormat> formats) {
        this.formats = List.copyOf(formats);
    }

    public ErrorFormat of(ServerHttpRequest request) {
        return ofPath(request.getPath().value(), request.getHeaders()::getFirst);
    }

    /**
     * Like {@link #of(ServerHttpRequest)}, for requests that did not reach Spring.
     *
     * @param target from the request line, may be malformed; empty if it is unknown
     * @param header as in {@link ErrorFormat#matches}
     */
    public ErrorFormat of(String target, Function<String, @Nullable String> header) {
        return ofPath(path(target), header);
    }

    private ErrorFormat ofPath(String path, Function<String, @Nullable String> header) {
        for (ErrorFormat format : formats) {
            if (format.matches(path, header)) {
                return format;
            }
        }
        return formats.getLast();
    }

    /** The path that Spring would see. The target may be an absolute URI. */
    private static String path(String target) {
        int separator = indexOfAny("/?#", target, 0);
        if (target.startsWith("://", separator - 1)) {
            return withoutQuery(target.substring(indexOfAny("/?#", target, separator + 2)));
        }
        String path = withoutQuery(target);
        return target.isEmpty() || target.startsWith("/") ? path : "/" + path;
    }

    private static String withoutQuery(String target) {
        return target.substring(0, indexOfAny("?#", target, 0));
    }

    /** Index of the first separator, or the text's length. */
    private static int indexOfAny(String separators, String text, int from) {
        int i = from;
        while (i < text.length() && separators.indexOf(text.charAt(i)) < 0) {
            i++;
        }
        return i;
    }

    /** The header names of all formats, without duplicates. */
    public List<String> headerNames() {
        return formats.stream()
                .flatMap(format -> format.headerNames().stream())
                .distinct()
                .toList();
    }
}
