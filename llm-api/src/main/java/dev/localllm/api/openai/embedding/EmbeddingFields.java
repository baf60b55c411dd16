package dev.localllm.api.openai.embedding;

import static dev.localllm.api.json.FieldRule.accepted;
import static dev.localllm.api.json.FieldRule.honoured;

import dev.localllm.api.json.FieldRule;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What becomes of each field of POST /v1/embeddings: the source of docs/compatibility.md. */
final class EmbeddingFields {

    static final List<FieldRule> BODY = List.of(
            honoured("model", "required: a name of `GET /v1/models` that has the capability `embedding`"),
            honoured(
                    "input",
                    "a string or up to 2048 strings, each up to `MAX_PROMPT_CHARACTERS`; arrays of tokens are refused, as"
                            + " Ollama takes text only"),
            honoured("encoding_format", "`float` or `base64`"),
            honoured("dimensions", "up to the length of the model's vectors"),
            accepted("user", "a label", JsonNode::isString));

    private EmbeddingFields() {}
}
