package dev.localllm.api.failure;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;

/** Finds the format of the wire that a request belongs to. Thread-safe. */
public final class ErrorFormats {

    private final List<ErrorFormat> formats;

    /** @param formats one or more, the first that matches is taken; the last is also for requests of no wire */
    public ErrorFormats(List<ErrorFormat> formats) {
        this.formats = List.copyOf(formats);
    }

    public ErrorFormat of(ServerHttpRequest request) {
        return of(request.getPath().value(), request.getHeaders()::getFirst);
    }

    /** As {@link ErrorFormat#matches}, for requests that did not come as far as Spring. */
    public ErrorFormat of(String path, Function<String, @Nullable String> header) {
        for (ErrorFormat format : formats) {
            if (format.matches(path, header)) {
                return format;
            }
        }
        return formats.getLast();
    }

    /** Those of all formats, without duplicates. */
    public List<String> headerNames() {
        return formats.stream()
                .flatMap(format -> format.headerNames().stream())
                .distinct()
                .toList();
    }
}
