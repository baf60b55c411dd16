package dev.localllm.api.openai;

import dev.localllm.core.prompt.Prompt;
import dev.localllm.core.prompt.PromptCatalog;
import java.util.List;
import java.util.function.Supplier;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** GET /v1/prompts: the prompts that requests may name, without their texts. */
@RestController
final class PromptController {

    record PromptList(String object, List<PromptObject> data) {}

    record PromptObject(String id, String object, String version, List<String> variables) {
        private static PromptObject of(Prompt prompt) {
            return new PromptObject(
                    prompt.id(),
                    "prompt",
                    Integer.toString(prompt.version()),
                    List.copyOf(prompt.template().variables()));
        }
    }

    private final Supplier<PromptCatalog> prompts;

    PromptController(Supplier<PromptCatalog> prompts) {
        this.prompts = prompts;
    }

    @GetMapping("/v1/prompts")
    PromptList list() {
        return new PromptList(
                "list", prompts.get().prompts().stream().map(PromptObject::of).toList());
    }
}
