package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.Recording;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SystemPromptTest {

    @Test
    void reachesTheModelUnchanged() throws Exception {
        String prompt = "Mind ${HOME}, ${nothing} and #{this}.";
        try (CannedServer ollama = CannedServer.thatLoads(
                        Recording.load("02-chat-nonstream").response());
                TestServer server =
                        new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny", "--SYSTEM_PROMPT=" + prompt)) {
            int status = server.post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}")
                    .statusCode();

            String request = ollama.request();
            JsonNode body = JsonMapper.shared().readTree(request.substring(request.indexOf("\r\n\r\n") + 4));
            assertThat(status).isEqualTo(200);
            assertThat(body.at("/messages/0/role").asString()).isEqualTo("system");
            assertThat(body.at("/messages/0/content").asString()).isEqualTo(prompt);
            assertThat(body.at("/messages/1/content").asString()).isEqualTo("Hi");
        }
    }
}
