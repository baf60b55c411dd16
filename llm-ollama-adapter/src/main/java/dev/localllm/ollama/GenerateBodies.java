package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.CompletionRequest;

/** Builds the body of POST /api/generate, with the load options of every chat. */
final class GenerateBodies {

    private GenerateBodies() {}

    static OllamaWire.GenerateBody of(ModelId model, CompletionRequest request, OllamaSettings settings) {
        Integer topLogprobs = request.options().topLogprobs();
        return new OllamaWire.GenerateBody(
                model.value(),
                request.prompt(),
                request.suffix(),
                true,
                false,
                false,
                ChatBodies.keepAlive(settings),
                ChatBodies.options(request.options(), request.options().stop(), settings),
                false,
                topLogprobs == null ? null : true,
                topLogprobs == null || topLogprobs == 0 ? null : topLogprobs);
    }
}
