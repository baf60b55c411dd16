package dev.localllm.api.openai.completion;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CompatibilityPage;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.StreamOptions;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

class TextCompletionCompatibilityTest extends CompatibilityPage {

    private static final List<Place> PLACES = List.of(
            new Place("Body", "", TextCompletionFields.BODY, "{@\"prompt\":\"a\"}"),
            new Place(
                    "stream_options",
                    "stream_options.",
                    StreamOptions.RULES,
                    "{\"prompt\":\"a\",\"stream\":true,\"stream_options\":{@\"include_usage\":true}}"));

    @Override
    protected String route() {
        return "/v1/completions";
    }

    @Override
    protected List<Place> places() {
        return PLACES;
    }

    @Override
    protected List<String> elsewhere() {
        return List.of();
    }

    @Override
    protected List<String> ignored(String body) {
        return new TextCompletionReader(UnknownFields.IGNORE, new LoadOptions(4096, Duration.ofMinutes(5)))
                .read(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)))
                .ignoredFields();
    }
}
