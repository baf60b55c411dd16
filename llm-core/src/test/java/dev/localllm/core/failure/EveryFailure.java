package dev.localllm.core.failure;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Stream;

/** One failure of each kind, for tests that must cover new kinds. */
public final class EveryFailure {

    private EveryFailure() {}

    public static Stream<LlmFailure> stream() {
        return Arrays.stream(LlmFailure.class.getPermittedSubclasses()).map(EveryFailure::one);
    }

    private static LlmFailure one(Class<?> kind) {
        Class<?>[] types = Arrays.stream(kind.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            return (LlmFailure) kind.getDeclaredConstructor(types)
                    .newInstance(Arrays.stream(types).map(EveryFailure::value).toArray());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Object value(Class<?> type) {
        return switch (type.getSimpleName()) {
            case "String" -> "some";
            case "boolean" -> false;
            case "Integer" -> 1;
            case "Duration" -> Duration.ofSeconds(1);
            case "Deadline" -> Deadline.TOTAL;
            default -> throw new IllegalArgumentException("type: " + type + " (expected: one that has a value here)");
        };
    }
}
