package dev.localllm.api.openai.chat;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CompatibilityPage;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.PromptField;
import dev.localllm.api.openai.StreamOptions;
import dev.localllm.api.schema.GrammarKeywords;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

class ChatCompatibilityTest extends CompatibilityPage {

    private static final List<Place> PLACES = List.of(
            new Place("Body", "", CompletionFields.BODY, "{@\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"),
            new Place(
                    "stream_options",
                    "stream_options.",
                    StreamOptions.RULES,
                    body("\"stream\":true,\"stream_options\":{@\"include_usage\":true}")),
            new Place(
                    "messages[]",
                    "messages[0].",
                    CompletionFields.MESSAGE,
                    "{\"messages\":[{@\"role\":\"assistant\",\"content\":\"a\"}]}"),
            new Place(
                    "messages[].content[]",
                    "messages[0].content[0].",
                    CompletionFields.PART,
                    "{\"messages\":[{\"role\":\"user\",\"content\":[{@\"type\":\"text\",\"text\":\"a\"}]}]}"),
            new Place(
                    "messages[].content[].image_url",
                    "messages[0].content[0].image_url.",
                    CompletionFields.IMAGE,
                    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{@\"url\":"
                            + "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAE=\"}}]}]}"),
            new Place(
                    "messages[].tool_calls[]",
                    "messages[0].tool_calls[0].",
                    CompletionFields.TOOL_CALL,
                    "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{@\"id\":\"1\",\"type\":\"function\","
                            + "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}]}"),
            new Place(
                    "messages[].tool_calls[].function",
                    "messages[0].tool_calls[0].function.",
                    CompletionFields.CALLED_FUNCTION,
                    "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
                            + "\"function\":{@\"name\":\"f\",\"arguments\":\"{}\"}}]}]}"),
            new Place(
                    "tools[]",
                    "tools[0].",
                    CompletionFields.TOOL,
                    body("\"tools\":[{@\"type\":\"function\",\"function\":{\"name\":\"f\"}}]")),
            new Place(
                    "tools[].function",
                    "tools[0].function.",
                    CompletionFields.FUNCTION,
                    body("\"tools\":[{\"type\":\"function\",\"function\":{@\"name\":\"f\"}}]")),
            new Place(
                    "tool_choice",
                    "tool_choice.",
                    CompletionFields.TOOL_CHOICE,
                    body("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{@"
                            + "\"type\":\"function\",\"function\":{\"name\":\"f\"}}")),
            new Place(
                    "response_format",
                    "response_format.",
                    CompletionFields.RESPONSE_FORMAT,
                    body(
                            "\"response_format\":{@\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{}}}")),
            new Place(
                    "response_format.json_schema",
                    "response_format.json_schema.",
                    CompletionFields.JSON_SCHEMA,
                    body(
                            "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{@\"name\":\"n\",\"schema\":{}}}")),
            new Place("prompt", "prompt.", PromptField.RULES, body("\"prompt\":{@\"id\":\"translator\"}")),
            new Place(
                    "chat_template_kwargs",
                    "chat_template_kwargs.",
                    CompletionFields.TEMPLATE_OPTIONS,
                    body("\"chat_template_kwargs\":{@\"enable_thinking\":true}")));

    /** Only read in messages and parts of a certain kind; CompletionReaderTest covers them. */
    private static final List<String> ELSEWHERE = List.of(
            "messages[0].tool_call_id",
            "messages[0].content[0].refusal",
            "messages[0].content[0].image_url",
            "messages[0].content[0].image_url.url");

    @Override
    protected String route() {
        return "/v1/chat/completions";
    }

    @Override
    protected List<Place> places() {
        return PLACES;
    }

    @Override
    protected List<String> elsewhere() {
        return ELSEWHERE;
    }

    @Override
    protected String appendix() {
        return "Keywords that `strict: true` refuses, as the grammar ignores them:\n"
                + GrammarKeywords.notGenerated().stream()
                        .map(keyword -> "- `" + keyword + "`\n")
                        .collect(Collectors.joining());
    }

    @Override
    protected List<String> ignored(String body) {
        return new CompletionReader(UnknownFields.IGNORE, new LoadOptions(4096, Duration.ofMinutes(5)))
                .read(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)))
                .ignoredFields();
    }

    private static String body(String fields) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," + fields + "}";
    }
}
