package dev.localllm.api.schema;

import com.networknt.schema.Error;
import com.networknt.schema.ExecutionConfig;
import com.networknt.schema.ExecutionContext;
import com.networknt.schema.OutputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.ValidationLimitExceededException;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * One check of JSON against a schema, with bounded work. The library bounds its evaluation steps; but in one step it
 * may match many patterns, and inside {@code not} and {@code anyOf} it collects all errors, of which there can be one
 * for each pair of an item and a required name.
 */
final class BoundedCheck extends ExecutionContext {

    private static final ScopedValue<BoundedCheck> CURRENT = ScopedValue.newInstance();
    private static final int MAX_ERRORS = 100_000;

    /** Characters that all patterns together may read. */
    private static final int MAX_PATTERN_STEPS = 2_000_000;

    private static final ExecutionConfig LIMITS = ExecutionConfig.builder()
            .failFast(true)
            .formatAssertionsEnabled(false)
            .maxEvaluationSteps(500_000)
            .maxEvaluationDepth(1_000)
            .build();

    private int errors;
    private int patternSteps;

    private BoundedCheck() {
        super(LIMITS);
    }

    /** Throws {@link TooMuchWork}. */
    static List<Error> errors(Schema schema, JsonNode node) {
        BoundedCheck check = new BoundedCheck();
        try {
            return ScopedValue.where(CURRENT, check)
                    .call(() -> schema.validate(
                            check, node, OutputFormat.DEFAULT, context -> context.setExecutionConfig(LIMITS)));
        } catch (ValidationLimitExceededException | StackOverflowError e) {
            throw new TooMuchWork();
        }
    }

    /** Keeps the first error only: others change nothing. */
    @Override
    public void addError(Error error) {
        errors++;
        require(errors <= MAX_ERRORS);
        if (getErrors().isEmpty()) {
            super.addError(error);
        }
    }

    /** Called for each character that a pattern reads in the current check. Throws {@link TooMuchWork}. */
    static void onPatternStep() {
        require(++CURRENT.get().patternSteps <= MAX_PATTERN_STEPS);
    }

    private static void require(boolean holds) {
        if (!holds) {
            throw new TooMuchWork();
        }
    }

    /** Has no stack trace. */
    static final class TooMuchWork extends RuntimeException {

        private static final long serialVersionUID = 1L;

        TooMuchWork() {
            super(null, null, false, false);
        }
    }
}
