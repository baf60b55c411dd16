package dev.localllm.api.json;

import dev.localllm.api.json.FieldRule.Behaviour;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads and checks the fields of a JSON object. An invalid field throws an {@link LlmException} that names its path. An
 * absent field is read as null or false; JSON's null counts as absent. {@link #end} handles fields that were not read,
 * so that none is ignored silently. Not thread-safe.
 */
public final class Fields {

    /** Limits the memory of a parsed body: an empty object is two tokens and takes about 200 bytes. */
    private static final long MAX_TOKENS = 100_000;

    /** Most bodies are short; an InputStreamReader would allocate 8 KB for each. */
    private static final int BUFFER_BYTES = 1 << 10;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .recyclerPool(JsonRecyclerPools.threadLocalPool())
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final JsonNode object;
    private final String path;
    private final UnknownFields unknown;

    /** Paths, shared by all objects of a request. */
    private final List<String> ignored;

    private final List<String> known = new ArrayList<>(); // cheaper than a set: objects are small

    /** An interrupt closes the channels of {@link Channels}, on the interrupting thread and in the middle of a read. */
    private record Source(InputStream in) implements ReadableByteChannel {

        @Override
        public int read(ByteBuffer target) throws IOException {
            int count = in.read(target.array(), target.arrayOffset() + target.position(), target.remaining());
            if (count > 0) {
                target.position(target.position() + count);
            }
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }

    private Fields(JsonNode object, String path, UnknownFields unknown, List<String> ignored) {
        this.object = object;
        this.path = path;
        this.unknown = unknown;
        this.ignored = ignored;
    }

    private Fields child(JsonNode child, String name) {
        return new Fields(child, path(name), unknown, ignored);
    }

    /**
     * Parses the body of a request.
     *
     * @param json in UTF-8, read to its end
     */
    public static Fields parse(InputStream json, UnknownFields unknown) {
        JsonNode node;
        try {
            CharsetDecoder strict = StandardCharsets.UTF_8.newDecoder();
            node = MAPPER.readTree(Channels.newReader(new Source(json), strict, BUFFER_BYTES));
        } catch (JacksonException e) {
            throw refusal(
                    null,
                    e.getCause() instanceof CharacterCodingException
                            ? "The request's body is not JSON: it is not UTF-8."
                            : "The request's body is not JSON: " + e.getOriginalMessage());
        }
        if (!node.isObject()) {
            throw refusal(null, "The request's body is not a JSON object.");
        }
        return new Fields(node, "", unknown, new ArrayList<>());
    }

    public @Nullable String string(String name) {
        JsonNode value = value(name, JsonNode::isString, "a string");
        return value == null ? null : value.stringValue();
    }

    public boolean bool(String name) {
        return bool(name, false);
    }

    /** As {@link #bool(String)}, with a value for an absent field. */
    public boolean bool(String name, boolean absent) {
        JsonNode value = value(name, JsonNode::isBoolean, "true or false");
        return value == null ? absent : value.booleanValue();
    }

    public @Nullable Double number(String name, double min, double max) {
        JsonNode value = value(name);
        if (value == null) {
            return null;
        }
        double number = value.isNumber() ? value.asDouble(Double.NaN) : Double.NaN;
        require(number >= min && number <= max, name, value, "a number from " + min + " to " + max);
        return number;
    }

    public @Nullable Long integer(String name, long min, long max) {
        JsonNode value = value(name);
        if (value == null) {
            return null;
        }
        String expected = "a whole number from " + min + " to " + max;
        require(value.isIntegralNumber() && value.canConvertToLong(), name, value, expected);
        long number = value.longValue();
        require(number >= min && number <= max, name, value, expected);
        return number;
    }

    public @Nullable Fields object(String name) {
        JsonNode value = value(name, JsonNode::isObject, "an object");
        return value == null ? null : child(value, name);
    }

    /** The object as it is, with its content unchecked. */
    public @Nullable JsonNode json(String name) {
        return value(name, JsonNode::isObject, "an object");
    }

    /** The objects in an array; empty if the field is absent. */
    public List<Fields> objects(String name) {
        JsonNode array = value(name, JsonNode::isArray, "an array of objects");
        List<Fields> objects = new ArrayList<>();
        for (int i = 0; array != null && i < array.size(); i++) {
            JsonNode item = array.get(i);
            String itemName = name + "[" + i + "]";
            require(item.isObject(), itemName, item, "an object");
            objects.add(child(item, itemName));
        }
        return objects;
    }

    /** The strings in an array, or a single string; empty if the field is absent. */
    public List<String> strings(String name, int max) {
        JsonNode value = value(name);
        if (value == null) {
            return List.of();
        }
        String expected = "a string or an array of at most " + max + " strings, none of them empty";
        require(value.isString() || value.isArray(), name, value, expected);
        List<String> strings = new ArrayList<>();
        for (JsonNode item : value.isString() ? List.of(value) : value) {
            require(item.isString() && !item.stringValue().isEmpty() && value.size() <= max, name, value, expected);
            strings.add(item.stringValue());
        }
        return strings;
    }

    /**
     * The string, or the only string in an array; not empty. Null if the field is absent.
     *
     * @param expected what a refusal tells
     */
    public @Nullable String onlyString(String name, String expected) {
        JsonNode value = value(name);
        if (value == null) {
            return null;
        }
        JsonNode only = value.isArray() && value.size() == 1 ? value.get(0) : value;
        require(only.isString() && !only.stringValue().isEmpty(), name, value, expected);
        return only.stringValue();
    }

    /** True if the field is an array with an item of that kind. */
    public boolean hasItem(String name, Predicate<JsonNode> kind) {
        return object.path(name).isArray() && object.path(name).valueStream().anyMatch(kind);
    }

    /** Names of all fields, for an object whose names the caller chooses; null values included. */
    public Collection<String> names() {
        return object.propertyNames();
    }

    public boolean isString(String name) {
        return object.path(name).isString();
    }

    public boolean isAbsent(String name) {
        return value(name) == null;
    }

    /** True if the text is a JSON object. */
    public static boolean isObject(String json) {
        try {
            return MAPPER.readTree(json).isObject();
        } catch (JacksonException e) {
            return false;
        }
    }

    /**
     * Ends the reading of this object: handles the fields that were not read. Fields without a rule are unknown; those that
     * their rule honours have no effect here.
     */
    public void end(List<FieldRule> rules) {
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            if (!field.getValue().isNull() && !known.contains(field.getKey())) {
                FieldRule rule = rule(field.getKey(), rules);
                if (rule == null || rule.behaviour() == Behaviour.HONOURED || rule.behaviour() == Behaviour.MAPPED) {
                    endUnknown(field.getKey());
                } else {
                    end(field.getValue(), rule);
                }
            }
        }
    }

    private static @Nullable FieldRule rule(String name, List<FieldRule> rules) {
        for (FieldRule rule : rules) {
            if (rule.name().equals(name)) {
                return rule;
            }
        }
        return null;
    }

    private void endUnknown(String name) {
        if (unknown == UnknownFields.REFUSE) {
            throw refusal(path(name), path(name) + ": unknown field");
        }
        ignored.add(path(name));
    }

    private void end(JsonNode value, FieldRule rule) {
        if (rule.behaviour() == Behaviour.IGNORED) {
            ignored.add(path(rule.name()));
        } else if (!rule.accepts().test(value)) {
            throw rule.behaviour() == Behaviour.ACCEPTED
                    ? wrong(rule.name(), rule.note().replace("`", ""))
                    : refusal(path(rule.name()), path(rule.name()) + ": not supported (" + rule.note() + ")");
        }
    }

    /** Names fields as ignored that were read, but have no effect because of other fields. */
    public void ignore(String... names) {
        for (String name : names) {
            if (value(name) != null) {
                ignored.add(path(name));
            }
        }
    }

    /** Paths of the fields that were ignored in this request so far, in all its objects. */
    public List<String> ignored() {
        return List.copyOf(ignored);
    }

    public LlmException missing(String name, String expected) {
        return refusal(path(name), path(name) + ": missing (expected: " + expected + ")");
    }

    public LlmException wrong(String name, String expected) {
        return refusal(path(name), message(path(name), object.path(name), expected));
    }

    private @Nullable JsonNode value(String name, Predicate<JsonNode> valid, String expected) {
        JsonNode value = value(name);
        if (value != null) {
            require(valid.test(value), name, value, expected);
        }
        return value;
    }

    private @Nullable JsonNode value(String name) {
        JsonNode value = object.get(name);
        if (value == null || value.isNull()) {
            return null;
        }
        known.add(name);
        return value;
    }

    private void require(boolean holds, String name, JsonNode value, String expected) {
        if (!holds) {
            throw refusal(path(name), message(path(name), value, expected));
        }
    }

    /** The path of the field in the request. */
    public String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private static String message(String path, JsonNode value, String expected) {
        String shown = value.isContainer() ? (value.isArray() ? "an array" : "an object") : value.toString();
        return path + ": " + (shown.length() > 64 ? shown.substring(0, 64) + "…" : shown) + " (expected: " + expected
                + ")";
    }

    private static LlmException refusal(@Nullable String field, String message) {
        return new LlmException(new InvalidRequest(field, message));
    }
}
