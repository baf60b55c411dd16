package dev.localllm.core.prompt;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A text with variables, such as <code>Translate into {{language}}.</code> Immutable. */
public final class PromptTemplate {

    private static final String OPENING = "{{";
    private static final String NAME = "a name of up to 64 lower-case letters, digits and _, first a letter";
    private static final int MAX_NAME = 64;
    private static final Pattern VARIABLE = Pattern.compile("\\{\\{([a-z][a-z0-9_]{0,63})}}");

    /** One more than names. */
    private final List<String> texts = new ArrayList<>();

    private final List<String> names = new ArrayList<>();

    /** @throws IllegalArgumentException if the text is blank, or has <code>{{</code> without a variable */
    public PromptTemplate(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("no text");
        }
        Matcher variable = VARIABLE.matcher(text);
        int end = 0;
        for (; variable.find(); end = variable.end()) {
            addText(text.substring(end, variable.start()));
            names.add(variable.group(1));
        }
        addText(text.substring(end));
    }

    private void addText(String text) {
        int opening = text.indexOf(OPENING);
        if (opening >= 0) {
            String found = text.substring(opening, Math.min(text.length(), opening + 20))
                    .lines()
                    .toList()
                    .getFirst();
            throw new IllegalArgumentException("'" + found + "' (expected: {{name}}, with " + NAME + ")");
        }
        texts.add(text);
    }

    /** Names of the variables, in alphabetical order. */
    public SortedSet<String> variables() {
        return new TreeSet<>(names);
    }

    /**
     * Puts the values into the places of their variables. Values are data: a variable in a value stays as it is.
     *
     * @throws LlmException with {@link InvalidRequest} if a variable has no value, or a value no variable
     */
    public RenderedPrompt render(Map<String, String> values) {
        for (String name : new TreeSet<>(values.keySet())) {
            require(names.contains(name), name, "unknown (expected: " + expected() + ")");
        }
        List<String> pieces = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            require(values.containsKey(name), name, "missing (expected: a string)");
            pieces.add(texts.get(i));
            pieces.add(values.getOrDefault(name, ""));
        }
        pieces.add(texts.getLast());
        return new RenderedPrompt(pieces);
    }

    private String expected() {
        return names.isEmpty() ? "no variables" : String.join(", ", variables());
    }

    private static void require(boolean valid, String name, String fault) {
        if (!valid) {
            String path = "prompt.variables." + name.substring(0, Math.min(name.length(), MAX_NAME));
            throw new LlmException(new InvalidRequest(path, path + ": " + fault));
        }
    }
}
