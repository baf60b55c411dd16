package dev.localllm.deploy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Finds values in the files of this and other modules by regular expressions. Paths are relative to llm-deploy. */
final class DeployFiles {

    private DeployFiles() {}

    /**
     * The text that the pattern's group matches in the file.
     *
     * @param pattern with one group; {@code ^} and {@code $} match at lines
     * @throws IllegalStateException if there isn't exactly one match
     */
    static String valueIn(String file, String pattern) throws IOException {
        List<String> found = Pattern.compile(pattern, Pattern.MULTILINE)
                .matcher(Files.readString(Path.of(file)))
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
        if (found.size() != 1) {
            throw new IllegalStateException(file + ": " + pattern + " matches " + found + " (expected: one match)");
        }
        return found.getFirst();
    }
}
