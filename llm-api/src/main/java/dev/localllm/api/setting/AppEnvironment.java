package dev.localllm.api.setting;

import java.util.Locale;

/** The environment in which the server runs. */
public enum AppEnvironment {
    LOCAL,
    STAGING,
    PRODUCTION;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
