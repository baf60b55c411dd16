package dev.localllm.api.openai.embedding;

import dev.localllm.api.json.Fields;
import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CommonFields;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.embedding.EmbeddingRequest;
import java.io.InputStream;
import java.util.List;

/** Reads the body of POST /v1/embeddings. Thread-safe. */
public final class EmbeddingReader {

    private static final int MAX_INPUTS = 2048;
    private static final int MAX_DIMENSIONS = 65_536;

    private final UnknownFields unknown;

    public EmbeddingReader(UnknownFields unknown) {
        this.unknown = unknown;
    }

    /** Throws an {@link dev.localllm.core.failure.LlmException} that names the first invalid field. */
    EmbeddingBody read(InputStream body) {
        Fields fields = Fields.parse(body, unknown);
        ModelId model = CommonFields.model(fields);
        if (model == null) {
            throw fields.missing("model", "a model for embeddings; the default model is for chats");
        }
        EmbeddingRequest request = new EmbeddingRequest(
                inputs(fields), CommonFields.toInt(fields.integer("dimensions", 1, MAX_DIMENSIONS)));
        VectorFormat format = format(fields);
        if (request.dimensions() != null) {
            format.requireRoom(request.inputs().size(), request.dimensions());
        }
        fields.end(EmbeddingFields.BODY);
        return new EmbeddingBody(model, request, format, fields.ignored());
    }

    private static List<String> inputs(Fields fields) {
        if (fields.hasItem("input", item -> item.isNumber() || item.isArray())) {
            throw fields.wrong("input", "strings; tokens are not supported, as the model server takes text only");
        }
        List<String> inputs = fields.strings("input", MAX_INPUTS);
        if (inputs.isEmpty()) {
            throw fields.isAbsent("input")
                    ? fields.missing("input", "a string, or an array of strings")
                    : fields.wrong("input", "one or more strings");
        }
        return inputs;
    }

    private static VectorFormat format(Fields fields) {
        return switch (fields.string("encoding_format")) {
            case null -> VectorFormat.FLOAT;
            case "float" -> VectorFormat.FLOAT;
            case "base64" -> VectorFormat.BASE64;
            default -> throw fields.wrong("encoding_format", "float or base64");
        };
    }
}
