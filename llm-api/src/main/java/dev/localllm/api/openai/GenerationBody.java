package dev.localllm.api.openai;

import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.GenerationRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The parsed and checked body of a request for a generation. */
public interface GenerationBody {

    /** As the caller named it; null for the default. */
    @Nullable
    ModelId model();

    GenerationRequest request();

    /** True for a streamed response. */
    boolean stream();

    /** Schemas that the answer must match, possibly none. */
    List<SchemaDemand> demands();

    /** Paths of fields that have no effect, possibly none. */
    List<String> ignoredFields();
}
