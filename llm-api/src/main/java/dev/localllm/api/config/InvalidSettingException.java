package dev.localllm.api.config;

import org.jspecify.annotations.Nullable;

/** A setting that stops the start. The message is one line: the variable, its value and what was expected. */
public final class InvalidSettingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    InvalidSettingException(String variable, @Nullable String value, String expected) {
        super(variable + ": " + (value == null ? "not set" : "'" + printable(value) + "'") + " (expected: " + expected
                + ")");
    }

    private static String printable(String value) {
        return value.replaceAll("\\p{Cntrl}", "?");
    }
}
