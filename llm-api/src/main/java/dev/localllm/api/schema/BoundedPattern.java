package dev.localllm.api.schema;

import com.networknt.schema.regex.RegularExpression;
import dev.localllm.api.schema.BoundedCheck.TooMuchWork;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** A regular expression from a request. Backtracking could take for ever, so its steps count as work of the check. */
final class BoundedPattern implements RegularExpression {

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

    /** Throws {@link TooMuchWork}. To be called in a {@link BoundedCheck}. */
    @Override
    public boolean matches(String value) {
        try {
            return pattern == null || pattern.matcher(new CountedText(value)).find();
        } catch (StackOverflowError e) {
            throw new TooMuchWork();
        }
    }

    private record CountedText(String text) implements CharSequence {

        @Override
        public char charAt(int index) {
            BoundedCheck.onPatternStep();
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
