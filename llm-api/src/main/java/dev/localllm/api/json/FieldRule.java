package dev.localllm.api.json;

import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * What becomes of one field of a request. The rules of a wire are the source of its compatibility page.
 *
 * @param note for the page and, if the field is refused, for the caller: a clause without a period
 * @param accepts values that are not refused; only for {@link Behaviour#ACCEPTED} and {@link Behaviour#REFUSED}
 */
public record FieldRule(String name, Behaviour behaviour, String note, Predicate<JsonNode> accepts) {

    /** What becomes of a field. */
    public enum Behaviour {
        /** Has the effect that the wire specifies. */
        HONOURED,
        /** Has its effect through a differently named feature of the model server, or in a restricted form. */
        MAPPED,
        /** Has no effect on the answer by its nature, or only the values are accepted that have none. */
        ACCEPTED,
        /** Has no effect, which the response tells in {@code x-ignored-fields}. */
        IGNORED,
        /** The request is refused, except for values without an effect. */
        REFUSED
    }

    public static FieldRule honoured(String name, String note) {
        return new FieldRule(name, Behaviour.HONOURED, note, node -> true);
    }

    public static FieldRule mapped(String name, String note) {
        return new FieldRule(name, Behaviour.MAPPED, note, node -> true);
    }

    public static FieldRule accepted(String name, String note, Predicate<JsonNode> accepts) {
        return new FieldRule(name, Behaviour.ACCEPTED, note, accepts);
    }

    public static FieldRule ignored(String name, String note) {
        return new FieldRule(name, Behaviour.IGNORED, note, node -> true);
    }

    /** A field that is refused unless its value is neutral: it asks for nothing. */
    public static FieldRule refused(String name, String note, Predicate<JsonNode> neutral) {
        return new FieldRule(name, Behaviour.REFUSED, note, neutral);
    }

    public static FieldRule refused(String name, String note) {
        return refused(name, note, node -> false);
    }
}
