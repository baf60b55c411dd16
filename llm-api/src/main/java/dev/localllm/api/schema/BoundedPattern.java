package dev.localllm.api.schema;

import com.networknt.schema.regex.RegularExpression;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression from a request. Backtracking could take for ever, so all patterns of one check together may read a
 * number of characters only; then they match nothing, and the check is worth nothing.
 */
final class BoundedPattern implements RegularExpression {

    private static final int MAX_STEPS = 2_000_000;

    private static final ThreadLocal<Steps> STEPS = ThreadLocal.withInitial(Steps::new);

    /** Null if Java can't compile it: then every text matches. */
    private final @Nullable Pattern pattern;

    BoundedPattern(String pattern) {
        this.pattern = compiled(pattern);
    }

    private static @Nullable Pattern compiled(String pattern) {
        try {
            return Pattern.compile(pattern);
        } catch (PatternSyntaxException e) {
            return null;
        }
    }

    /** Called on the thread of a check, before it. */
    static void begin() {
        STEPS.get().left = MAX_STEPS;
    }

    /** True if a pattern has given up since {@link #begin} on this thread. */
    static boolean hasGivenUp() {
        return STEPS.get().left < 0;
    }

    @Override
    public boolean matches(String value) {
        if (pattern == null) {
            return true;
        }
        try {
            return pattern.matcher(new CountedText(value, STEPS.get())).find();
        } catch (TooManySteps | StackOverflowError e) {
            STEPS.get().left = -1;
            return false;
        }
    }

    /** Characters that the check on one thread may still read; negative if it has given up. */
    private static final class Steps {
        private int left;
    }

    /** Has no stack trace. */
    private static final class TooManySteps extends RuntimeException {

        private static final long serialVersionUID = 1L;

        TooManySteps() {
            super(null, null, false, false);
        }
    }

    /** Counts the characters that are read. */
    private static final class CountedText implements CharSequence {

        private final String text;
        private final Steps steps;

        CountedText(String text, Steps steps) {
            this.text = text;
            this.steps = steps;
        }

        @Override
        public char charAt(int index) {
            if (steps.left <= 0) {
                throw new TooManySteps();
            }
            steps.left--;
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.substring(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
