package dev.localllm.api.openai.embedding;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CompatibilityPage;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

class EmbeddingCompatibilityTest extends CompatibilityPage {

    @Override
    protected String route() {
        return "/v1/embeddings";
    }

    @Override
    protected List<Place> places() {
        return List.of(new Place("Body", "", EmbeddingFields.BODY, "{@\"model\":\"m\",\"input\":\"a\"}"));
    }

    @Override
    protected List<String> elsewhere() {
        return List.of();
    }

    @Override
    protected List<String> ignored(String body) {
        return new EmbeddingReader(UnknownFields.IGNORE)
                .read(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)))
                .ignoredFields();
    }
}
