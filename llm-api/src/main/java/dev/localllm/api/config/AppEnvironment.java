package dev.localllm.api.config;

import java.util.Locale;

/** Where the server runs. */
public enum AppEnvironment {
    LOCAL,
    STAGING,
    PRODUCTION;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
