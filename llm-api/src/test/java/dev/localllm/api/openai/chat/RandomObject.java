package dev.localllm.api.openai.chat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A JSON object of a random valid body. Collects what the reader must ignore, and single faults that make the body
 * invalid. Its values are strings, {@link Raw}, other objects, and lists of these.
 */
final class RandomObject {

    static final Raw NULL = new Raw("null");

    private static final List<String> UNKNOWN_NAMES =
            List.of("unheard_of", "temprature", "Model", "", "a.b", "x[0]", "\"quoted\"", "이름", "🙂");
    private static final List<String> VALUES =
            List.of("null", "0", "-1.5e300", "\"x\"", "true", "[]", "{}", "[[null]]", "{\"messages\":[{\"role\":5}]}");

    /** Written as it is. */
    record Raw(String json) {}

    /**
     * A change that makes the body invalid.
     *
     * @param path of the field that the refusal must name
     */
    record Fault(String path, Runnable inject) {}

    /** What all objects of a body share. */
    record Notes(Random random, List<Fault> faults, List<String> unknown, List<String> ignored) {
        Notes(Random random) {
            this(random, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }
    }

    private final Notes notes;
    private final Random random;
    private final String path;
    private final Map<String, Object> fields = new LinkedHashMap<>();

    RandomObject(Notes notes, String path) {
        this.notes = notes;
        this.random = notes.random();
        this.path = path;
    }

    RandomObject child(String name) {
        return new RandomObject(notes, path(name));
    }

    String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    /** Sets a field that the body needs to be valid. Without it, or with null, the body has a fault. */
    RandomObject required(String name, Object value) {
        fields.put(name, value);
        fault(name, () -> fields.remove(name));
        fault(name, () -> fields.put(name, NULL));
        return this;
    }

    RandomObject optional(String name, Object value) {
        fields.put(name, value);
        return this;
    }

    /** Leaves the field out, or sets it to null, which is the same. */
    RandomObject absent(String name) {
        if (random.nextInt(4) == 0) {
            fields.put(name, NULL);
        }
        return this;
    }

    /** Values with which the field is a fault. */
    RandomObject wrong(String name, Object... values) {
        return wrongAt(name, path(name), values);
    }

    /** Values of the field with which the fault is in one of its parts. */
    RandomObject wrongAt(String name, String faultPath, Object... values) {
        for (Object value : values) {
            notes.faults().add(new Fault(faultPath, () -> fields.put(name, value)));
        }
        return this;
    }

    /** JSON texts with which the field is a fault. */
    RandomObject wrongJson(String name, String... values) {
        for (String value : values) {
            wrong(name, new Raw(value));
        }
        return this;
    }

    /** Sets a list of objects, each of which could be something else. */
    RandomObject objects(String name, List<RandomObject> objects) {
        List<Object> list = new ArrayList<>(objects);
        fields.put(name, list);
        wrongJson(name, "5", "{}", "true");
        for (int i = 0; i < objects.size(); i++) {
            int index = i;
            for (String value : List.of("null", "5", "\"x\"", "[]")) {
                fault(name + "[" + i + "]", () -> list.set(index, new Raw(value)));
            }
        }
        return this;
    }

    /** Sets, at random, fields that have no effect here, but are known. */
    RandomObject ignored(String... names) {
        for (String name : names) {
            if (random.nextInt(4) == 0) {
                String value = VALUES.get(random.nextInt(VALUES.size()));
                fields.put(name, new Raw(value));
                if (!value.equals("null")) {
                    notes.ignored().add(path(name));
                }
            }
        }
        return this;
    }

    /**
     * Adds, at random, fields that this object does not have.
     *
     * @param others names that have a meaning in other objects only
     */
    RandomObject unknown(String... others) {
        while (random.nextInt(6) == 0) {
            int chosen = random.nextInt(UNKNOWN_NAMES.size() + others.length);
            String name = chosen < others.length ? others[chosen] : UNKNOWN_NAMES.get(chosen - others.length);
            if (!fields.containsKey(name)) {
                notes.unknown().add(path(name));
                notes.ignored().add(path(name));
            }
            fields.put(name, new Raw(VALUES.get(1 + random.nextInt(VALUES.size() - 1)))); // null is no value
        }
        return this;
    }

    /** Notes that these fields have no effect, if they are set. */
    void noteIgnored(String... names) {
        for (String name : names) {
            if (!NULL.equals(fields.getOrDefault(name, NULL))) {
                notes.ignored().add(path(name));
            }
        }
    }

    private void fault(String name, Runnable inject) {
        notes.faults().add(new Fault(path(name), inject));
    }

    /** The object with its fields in random order, and with random spaces and escapes. */
    @Override
    public String toString() {
        StringBuilder json = new StringBuilder();
        write(this, json);
        return json.toString();
    }

    private void write(Object value, StringBuilder json) {
        switch (value) {
            case String text -> quote(text, json);
            case Raw raw -> json.append(raw.json());
            case RandomObject object -> object.writeFields(json);
            case List<?> list -> {
                json.append('[');
                for (int i = 0; i < list.size(); i++) {
                    write(list.get(i), json.append(i == 0 ? "" : ",").append(space()));
                }
                json.append(']');
            }
            default -> throw new IllegalArgumentException(value.toString());
        }
    }

    private void writeFields(StringBuilder json) {
        List<String> names = new ArrayList<>(fields.keySet());
        Collections.shuffle(names, random);
        json.append('{');
        String separator = "";
        for (String name : names) {
            quote(name, json.append(separator).append(space()));
            write(fields.getOrDefault(name, NULL), json.append(space()).append(':'));
            separator = ",";
        }
        json.append(space()).append('}');
    }

    private String space() {
        return random.nextInt(8) == 0 ? " \r\n\t" : "";
    }

    private void quote(String text, StringBuilder json) {
        boolean escapes = random.nextInt(20) == 0;
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (escapes || c < ' ' || c == '"' || c == '\\' || Character.isSurrogate(c)) {
                json.append("\\u").append(HexFormat.of().toHexDigits(c));
            } else {
                json.append(c);
            }
        }
        json.append('"');
    }
}
