package dev.localllm.api.setting;

import org.jspecify.annotations.Nullable;

/** A missing or invalid setting, which stops the start. The message is one line: variable, value, expected value. */
public final class InvalidSettingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Takes a null value for a setting that is not set, and never the value of a secret. */
    public InvalidSettingException(String variable, @Nullable String value, String expected) {
        super(variable + ": " + (value == null ? "not set" : "'" + printable(value) + "'") + " (expected: " + expected
                + ")");
    }

    private static String printable(String value) {
        return value.replaceAll("\\p{Cntrl}", "?");
    }
}
