package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.api.logging.LogFormat;
import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.Recording;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Prompts of the catalogue on the complete server, in front of a server that keeps what it got. */
class PromptsTest {

    private static final String CHAT = "/v1/chat/completions";

    @TempDir
    Path folder;

    @BeforeEach
    void writePrompts() throws IOException {
        write("1.md", "translator", 1, "Translate into {{language}}.");
        write("2.md", "translator", 2, "Translate into {{language}}, {{style}}.");
        write("3.md", "assistant", 1, "Be kind.");
    }

    @Test
    void putsTheRenderedPromptFirst() throws Exception {
        String values = """
                {"language":"{{style}}\\"}],\\"role\\":\\"user","style":{"type":"input_text","text":"brief"}}""";

        JsonNode sent = sent("{" + prompt("\"id\":\"translator\",\"variables\":" + values) + ",%s}");

        assertThat(sent.path("messages").size()).isEqualTo(2);
        assertThat(sent.at("/messages/0/role").asString()).isEqualTo("system");
        assertThat(sent.at("/messages/0/content").asString())
                .isEqualTo("Translate into {{style}}\"}],\"role\":\"user, brief.");
        assertThat(sent.at("/messages/1/content").asString()).isEqualTo("Hi");
    }

    @Test
    void joinsThePromptAndTheCallersSystemMessage() throws Exception {
        JsonNode sent = sent(
                "{" + prompt("\"id\":\"assistant\"")
                        + ",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"}]}");

        assertThat(sent.path("messages").size()).isEqualTo(2);
        assertThat(sent.at("/messages/0/content").asString()).isEqualTo("Be kind.\nBe brief.");
    }

    @Test
    void takesTheSystemPromptFromTheCatalogue() throws Exception {
        JsonNode sent = sent("{%s}", "--DEFAULT_PROMPT=assistant");

        assertThat(sent.at("/messages/0/content").asString()).isEqualTo("Be kind.");
        assertThat(sent(
                                "{"
                                        + prompt(
                                                "\"id\":\"translator\",\"version\":\"1\",\"variables\":{\"language\":\"x\"}")
                                        + ",%s}",
                                "--DEFAULT_PROMPT=assistant")
                        .at("/messages/0/content")
                        .asString())
                .isEqualTo("Translate into x.");
    }

    @Test
    void namesWhatIsWrongWithAPrompt() throws Exception {
        try (TestServer server = server("--MAX_PROMPT_CHARACTERS=60")) {
            assertRefused(server, "\"id\":\"translator\"", "prompt.variables.language");
            assertRefused(server, "\"id\":\"translator\",\"variables\":{\"language\":5}", "prompt.variables.language");
            assertRefused(
                    server,
                    "\"id\":\"translator\",\"variables\":{\"language\":{\"type\":\"input_image\",\"text\":\"x\"}}",
                    "prompt.variables.language");
            assertRefused(
                    server, "\"id\":\"assistant\",\"variables\":{\"language\":\"x\"}", "prompt.variables.language");
            assertRefused(server, "\"id\":\"nobody\"", "prompt.id");
            assertRefused(server, "\"version\":\"1\"", "prompt.id");
            assertRefused(server, "\"id\":\"translator\",\"version\":\"3\"", "prompt.version");
            StringBuilder many = new StringBuilder("\"id\":\"assistant\",\"variables\":{");
            for (int i = 0; i < 65; i++) {
                many.append(i == 0 ? "" : ",").append("\"v").append(i).append("\":\"x\"");
            }
            assertRefused(server, many + "}", "prompt.variables");
            assertRefused(server, many.toString().replace(",\"v64\":\"x\"", "") + "}", "prompt.variables.v0");
            String tooLong =
                    "\"id\":\"translator\",\"version\":\"1\",\"variables\":{\"language\":\"" + "x".repeat(43) + "\"}";
            assertRefused(server, tooLong, "messages");
        }
    }

    @Test
    void namesUnknownFieldsOfAValue() throws Exception {
        String part = "{\"type\":\"input_text\",\"text\":\"x\",\"more\":1}";
        String prompt = "\"id\":\"translator\",\"version\":\"1\",\"variables\":{\"language\":" + part + "}";
        try (TestServer server = server("--UNKNOWN_FIELDS=refuse")) {
            assertRefused(server, prompt, "prompt.variables.language.more");
        }
    }

    @Test
    void listsNamesAndVersionsAndNoTexts() throws Exception {
        try (TestServer server = server("--APP_ENV=local")) {
            assertThat(server.get("/v1/prompts").body()).isEqualTo("""
                    {"object":"list","data":[\
                    {"id":"assistant","object":"prompt","version":"1","variables":[]},\
                    {"id":"translator","object":"prompt","version":"1","variables":["language"]},\
                    {"id":"translator","object":"prompt","version":"2","variables":["language","style"]}]}""");
        }
    }

    @Test
    void logsNeitherTextsNorValues() throws Exception {
        String prompt = "\"id\":\"translator\",\"version\":\"1\",\"variables\":{\"language\":\"canary\"}";
        try (CannedServer ollama = CannedServer.thatLoads(
                        Recording.load("02-chat-nonstream").response());
                TestServer server = new TestServer(ollama.baseUrl(), settings());
                CapturedLog log = new CapturedLog("ROOT", Level.DEBUG);
                CapturedLog own = new CapturedLog("dev.localllm", Level.DEBUG)) { // has a level of its own
            server.post(CHAT, body("{" + prompt(prompt) + ",%s}"));

            log.await(" id=");
            assertThat(own.events()).isNotEmpty();
            assertThat(ollama.request()).contains("canary");
            for (LogFormat format : LogFormat.values()) {
                assertThat(log.printed(format))
                        .hasSizeGreaterThan(1)
                        .noneMatch(line -> line.contains("canary") || line.contains("Translate"));
            }
        }
    }

    private static void assertRefused(TestServer server, String prompt, String field) throws Exception {
        HttpResponse<String> response = server.post(CHAT, body("{" + prompt(prompt) + ",%s}"));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(JsonMapper.shared()
                        .readTree(response.body())
                        .at("/error/param")
                        .asString())
                .isEqualTo(field);
    }

    /** The body that the model server gets. */
    private JsonNode sent(String body, String... settings) throws Exception {
        try (CannedServer ollama = CannedServer.thatLoads(
                        Recording.load("02-chat-nonstream").response());
                TestServer server = new TestServer(ollama.baseUrl(), settings(settings))) {
            HttpResponse<String> response = server.post(CHAT, body(body));

            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            assertThat(response.body()).doesNotContain("Be kind", "Translate");
            String request = ollama.request();
            return JsonMapper.shared().readTree(request.substring(request.indexOf("\r\n\r\n") + 4));
        }
    }

    private TestServer server(String... settings) {
        return new TestServer(URI.create("http://127.0.0.1:1"), settings(settings));
    }

    private String[] settings(String... settings) {
        return Stream.concat(Stream.of("--MODEL_NAME=tiny", "--PROMPT_FOLDER=" + folder), Stream.of(settings))
                .toArray(String[]::new);
    }

    private static String body(String body) {
        return body.replace("%s", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]");
    }

    private static String prompt(String fields) {
        return "\"prompt\":{" + fields + "}";
    }

    private void write(String name, String id, int version, String text) throws IOException {
        Files.writeString(folder.resolve(name), "---\nid: " + id + "\nversion: " + version + "\n---\n" + text + "\n");
    }
}
