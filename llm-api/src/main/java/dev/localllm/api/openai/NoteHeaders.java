package dev.localllm.api.openai;

import dev.localllm.api.request.RequestRecord;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.web.server.ServerWebExchange;

/** Headers that tell the caller what it might not notice. Their values are bounded ASCII, also fit for the log. */
public final class NoteHeaders {

    /** Fields of the request that have no effect. */
    static final String IGNORED_FIELDS = "x-ignored-fields";

    /** How the answer differs from the schema of the request. */
    static final String SCHEMA_MISMATCH = "x-schema-mismatch";

    private static final int MAX_FIELDS = 20;
    private static final int MAX_LENGTH = 64;

    private NoteHeaders() {}

    /**
     * Tells the caller and the log which fields have no effect.
     *
     * @param paths possibly none
     */
    public static void tellIgnored(List<String> paths, ServerWebExchange exchange) {
        if (!paths.isEmpty()) {
            String ignored = ignoredFields(paths);
            exchange.getResponse().getHeaders().set(IGNORED_FIELDS, ignored);
            RequestRecord.of(exchange).onIgnoredFields(ignored);
        }
    }

    /** @param paths one or more */
    static String ignoredFields(List<String> paths) {
        String named = paths.stream().limit(MAX_FIELDS).map(NoteHeaders::text).collect(Collectors.joining(", "));
        int more = paths.size() - MAX_FIELDS;
        return more > 0 ? named + ", and " + more + " more" : named;
    }

    static String text(String text) {
        String bounded = text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH) + "...";
        return bounded.replaceAll("[^ -~]", "?");
    }
}
