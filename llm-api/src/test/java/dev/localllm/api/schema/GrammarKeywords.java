package dev.localllm.api.schema;

import java.util.List;

/** The keywords that a strict schema must not have, for the documentation. */
public final class GrammarKeywords {

    private GrammarKeywords() {}

    public static List<String> notGenerated() {
        return Grammar.IGNORED.stream().sorted().toList();
    }
}
