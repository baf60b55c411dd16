package dev.localllm.api.schema;

import com.networknt.schema.regex.RegularExpression;
import java.util.regex.Pattern;

/**
 * A regular expression from a request. Gives up after a number of steps: backtracking could take for ever.
 */
final class BoundedPattern implements RegularExpression {

    private static final int MAX_STEPS = 1_000_000;

    private final Pattern pattern;

    /** Throws a {@link java.util.regex.PatternSyntaxException}. */
    BoundedPattern(String pattern) {
        this.pattern = Pattern.compile(pattern);
    }

    /** False also if it takes too many steps to find out. */
    @Override
    public boolean matches(String value) {
        try {
            return pattern.matcher(new CountedText(value)).find();
        } catch (TooManySteps | StackOverflowError e) {
            return false;
        }
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
        private int steps;

        CountedText(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (++steps > MAX_STEPS) {
                throw new TooManySteps();
            }
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
