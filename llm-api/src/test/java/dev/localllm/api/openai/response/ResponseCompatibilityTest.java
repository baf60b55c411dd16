package dev.localllm.api.openai.response;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CompatibilityPage;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.PromptField;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

class ResponseCompatibilityTest extends CompatibilityPage {

    private static final String CALL =
            "{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{}\"}";

    private static final List<Place> PLACES = List.of(
            new Place("Body", "", ResponseFields.BODY, "{@\"input\":\"a\"}"),
            new Place(
                    "stream_options",
                    "stream_options.",
                    ResponseFields.STREAM_OPTIONS,
                    body("\"stream\":true,\"stream_options\":{@\"include_obfuscation\":false}")),
            new Place(
                    "input[]: message",
                    "input[0].",
                    ResponseFields.MESSAGE,
                    "{\"input\":[{@\"role\":\"assistant\",\"content\":\"a\"}]}"),
            new Place(
                    "input[].content[]",
                    "input[0].content[0].",
                    ResponseFields.PART,
                    "{\"input\":[{\"role\":\"user\",\"content\":[{@\"type\":\"input_text\",\"text\":\"a\"}]}]}"),
            new Place(
                    "input[]: function_call",
                    "input[0].",
                    ResponseFields.CALL,
                    "{\"input\":[" + CALL.replace("{\"type\"", "{@\"type\"") + "]}"),
            new Place(
                    "input[]: function_call_output",
                    "input[1].",
                    ResponseFields.CALL_OUTPUT,
                    "{\"input\":[" + CALL
                            + ",{@\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":\"a\"}]}"),
            new Place(
                    "input[]: reasoning",
                    "input[1].",
                    ResponseFields.REASONING_ITEM,
                    "{\"input\":[{\"role\":\"user\",\"content\":\"a\"},{@\"type\":\"reasoning\"}]}"),
            new Place(
                    "tools[]",
                    "tools[0].",
                    ResponseFields.TOOL,
                    body("\"tools\":[{@\"type\":\"function\",\"name\":\"f\"}]")),
            new Place(
                    "tool_choice",
                    "tool_choice.",
                    ResponseFields.TOOL_CHOICE,
                    body("\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":{@\"type\":\"function\","
                            + "\"name\":\"f\"}")),
            new Place("text", "text.", ResponseFields.TEXT, body("\"text\":{@\"format\":{\"type\":\"text\"}}")),
            new Place(
                    "text.format",
                    "text.format.",
                    ResponseFields.FORMAT,
                    body("\"text\":{\"format\":{@\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{}}}")),
            new Place("reasoning", "reasoning.", ResponseFields.REASONING, body("\"reasoning\":{@\"effort\":\"low\"}")),
            new Place("prompt", "prompt.", PromptField.RULES, body("\"prompt\":{@\"id\":\"translator\"}")));

    /** Only read in parts of a certain kind; ResponseReaderTest covers them. */
    private static final List<String> ELSEWHERE =
            List.of("input[0].content[0].refusal", "input[0].content[0].image_url");

    @Override
    protected String route() {
        return "/v1/responses";
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
    protected List<String> ignored(String body) {
        return new ResponseReader(UnknownFields.IGNORE, new LoadOptions(4096, Duration.ofMinutes(5)))
                .read(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)))
                .ignoredFields();
    }

    private static String body(String fields) {
        return "{\"input\":\"a\"," + fields + "}";
    }
}
