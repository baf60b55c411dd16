package dev.localllm.api.schema;

import java.util.List;

/** The keywords that a strict schema must not have, for the documentation. */
public final class GrammarKeywords {

    private GrammarKeywords() {}

    public static List<String> notGenerated() {
        return SchemaRules.NOT_IN_GRAMMAR.stream().sorted().toList();
    }
}
