package dev.localllm.ollama;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The supported versions of Ollama: those that this adapter was tested with. Patch versions and release candidates are
 * ignored. llm-deploy's preflight has the same range.
 */
final class OllamaVersion {

    /**
     * The first version that reports the capabilities of models; {@code truncate} and {@code shift} exist since 0.12.6.
     */
    static final String OLDEST = "0.30";

    static final String NEWEST = "0.33";

    private static final Pattern VERSION = Pattern.compile("v?(\\d{1,3})\\.(\\d{1,3})\\b[\\w.+-]{0,64}");

    /** The version that Ollama reports if it was built without one. */
    private static final String UNVERSIONED = "0.0.0";

    private OllamaVersion() {}

    /** One sentence about an unsupported version; null for a supported one. */
    static @Nullable String warning(@Nullable String version) {
        if (version == null
                || version.equals(UNVERSIONED)
                || !VERSION.matcher(version).matches()) {
            return "Ollama's version is unknown (supported: " + OLDEST + " to " + NEWEST + ").";
        }
        int minor = number(version);
        if (minor < number(OLDEST)) {
            return "Ollama " + version + " is older than " + OLDEST + ": it may truncate prompts silently and list"
                    + " models that can't chat (fix: update Ollama).";
        }
        return minor > number(NEWEST)
                ? "Ollama " + version + " is newer than " + NEWEST + ", the newest supported version."
                : null;
    }

    private static int number(String version) {
        Matcher matcher = VERSION.matcher(version);
        return matcher.matches() ? Integer.parseInt(matcher.group(1)) * 1000 + Integer.parseInt(matcher.group(2)) : 0;
    }
}
