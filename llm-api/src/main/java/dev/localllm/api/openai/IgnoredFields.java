package dev.localllm.api.openai;

import java.util.List;
import java.util.stream.Collectors;

/** The header that names the fields of a request that have no effect. */
final class IgnoredFields {

    static final String HEADER = "x-ignored-fields";

    private static final int MAX_FIELDS = 20;
    private static final int MAX_LENGTH = 64;

    private IgnoredFields() {}

    /**
     * The header's value, also for the log: bounded, and without characters that a header must not have.
     *
     * @param paths one or more
     */
    static String text(List<String> paths) {
        String named =
                paths.stream().limit(MAX_FIELDS).map(IgnoredFields::printable).collect(Collectors.joining(", "));
        int more = paths.size() - MAX_FIELDS;
        return more > 0 ? named + ", and " + more + " more" : named;
    }

    private static String printable(String path) {
        String bounded = path.length() <= MAX_LENGTH ? path : path.substring(0, MAX_LENGTH) + "...";
        return bounded.replaceAll("[^!-+.-~-]", "?");
    }
}
