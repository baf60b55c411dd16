package dev.localllm.ollama;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which versions of Ollama this adapter was tried with. Patches and release candidates do not count. llm-deploy's
 * preflight has the same range.
 */
final class OllamaVersion {

    /** The first that tells the capabilities of models; {@code truncate} and {@code shift} are known since 0.12.6. */
    static final String OLDEST = "0.30";

    static final String NEWEST = "0.33";

    private static final Pattern VERSION = Pattern.compile("v?(\\d{1,3})\\.(\\d{1,3})\\b[\\w.+-]{0,64}");

    /** What a build without a version says. */
    private static final String UNVERSIONED = "0.0.0";

    private OllamaVersion() {}

    /** One sentence about what this version can't do, or null for one that was tried. */
    static @Nullable String warning(@Nullable String version) {
        if (version == null
                || version.equals(UNVERSIONED)
                || !VERSION.matcher(version).matches()) {
            return "Ollama's version is unknown (tried: " + OLDEST + " to " + NEWEST + ").";
        }
        int minor = number(version);
        if (minor < number(OLDEST)) {
            return "Ollama " + version + " is older than " + OLDEST + ": it may cut prompts in silence and offer models"
                    + " that can't chat (cure: update Ollama).";
        }
        return minor > number(NEWEST)
                ? "Ollama " + version + " is newer than " + NEWEST + ", the newest that was tried."
                : null;
    }

    private static int number(String version) {
        Matcher matcher = VERSION.matcher(version);
        return matcher.matches() ? Integer.parseInt(matcher.group(1)) * 1000 + Integer.parseInt(matcher.group(2)) : 0;
    }
}
