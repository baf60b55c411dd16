package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.localllm.core.catalog.LoadedModel;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loads, and what is loaded. */
class LoadedModelsTest {

    private static final ModelId TINY = new ModelId("tiny:latest");

    @Test
    void readsRecordedLists() {
        assertThat(recorded("01-ps-empty")).isEmpty();
        assertThat(recorded("01-ps-loaded"))
                .containsExactly(new LoadedModel(TINY, 512, Instant.parse("2026-11-23T08:46:32.050403755Z")));
        assertThat(recorded("02-ps-num-ctx"))
                .containsExactly(
                        new LoadedModel(TINY, 256, Instant.parse("2026-11-23T08:46:32.784955158Z")),
                        new LoadedModel(
                                new ModelId("tiny-tools:latest"),
                                4096,
                                Instant.parse("2026-11-23T08:46:32.388038088Z")));
        assertThat(recorded("02-ps-keep-alive-neg"))
                .first()
                .extracting(LoadedModel::expiry)
                .isEqualTo(Instant.parse("2319-03-05T08:28:49.917854933Z"));
    }

    @Test
    void skipsWhatIsNoModel() {
        assertThat(list("{\"models\":[null,{},{\"name\":\"not a name\"},{\"name\":\"m\"}]}"))
                .containsExactly(new LoadedModel(new ModelId("m"), 0, Instant.EPOCH));
    }

    @Test
    void failsWithoutAList() {
        LlmException e = catchThrowableOfType(LlmException.class, () -> list("{}"));

        assertThat(e.failure()).isInstanceOf(UpstreamProtocol.class);
    }

    @Test
    void loadsWithTheOptionsOfChats() {
        try (CannedServer server =
                new CannedServer(Recording.load("01-chat-load").response())) {
            assertThat(load(server)).isNull();

            assertThat(server.request())
                    .startsWith("POST /api/chat HTTP/1.1")
                    .contains(
                            "\"model\":\"simulator\"",
                            "\"messages\":[]",
                            "\"options\":{\"num_ctx\":8192}",
                            "\"keep_alive\":\"300s\"");
        }
    }

    @Test
    void failsIfTheLoadFails() {
        try (CannedServer server = new CannedServer(response("{\"error\":\"no memory\"}\n"))) {
            assertThat(load(server)).isEqualTo(new UpstreamFailed("Ollama failed: no memory"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "loaded", "[]"})
    void failsIfTheResponseToALoadIsInvalid(String body) {
        try (CannedServer server = new CannedServer(response(body))) {
            assertThat(load(server)).isInstanceOf(UpstreamProtocol.class);
        }
    }

    /** Such a load would unload the model. */
    @Test
    void loadsNothingIfModelsAreNotKept() {
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced())) {
            OllamaSettings settings = Answers.settings(simulator.baseUrl());
            OllamaSettings keepsNothing =
                    new OllamaSettings(settings.baseUrl(), settings.contextTokens(), Duration.ZERO, settings.limits());
            try (Ollama ollama = new Ollama(keepsNothing, System::nanoTime)) {
                List<List<ChatEvent>> events = ollama.chatModel()
                        .load(Answers.MODEL)
                        .events()
                        .collectList()
                        .block(Answers.TIMEOUT);
                assertThat(events).isEmpty();
                assertThat(ollama.loadedModels().list().block(Answers.TIMEOUT)).isEmpty();
            }
        }
    }

    @Test
    void listsWhatItHasLoaded() {
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                Ollama ollama = new Ollama(Answers.settings(simulator.baseUrl()), System::nanoTime)) {
            ollama.chatModel().load(Answers.MODEL).events().blockLast(Answers.TIMEOUT);

            assertThat(ollama.loadedModels().list().block(Answers.TIMEOUT))
                    .singleElement()
                    .satisfies(model -> {
                        assertThat(model.id().matches(Answers.MODEL)).isTrue();
                        assertThat(model.contextTokens()).isEqualTo(8192);
                        assertThat(model.expiry()).isAfter(Instant.now());
                    });
            assertThat(simulator.chats()).isZero();
        }
    }

    private static @Nullable LlmFailure load(CannedServer server) {
        try (Ollama ollama = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            ollama.chatModel().load(Answers.MODEL).events().blockLast(Answers.TIMEOUT);
            return null;
        } catch (LlmException e) {
            return e.failure();
        }
    }

    private static List<LoadedModel> recorded(String name) {
        return list(Recording.load(name).response());
    }

    private static List<LoadedModel> list(String body) {
        return list(response(body));
    }

    private static List<LoadedModel> list(byte[] response) {
        try (CannedServer server = new CannedServer(response);
                Ollama ollama = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            return ollama.loadedModels().list().blockOptional(Answers.TIMEOUT).orElseThrow();
        }
    }

    private static byte[] response(String body) {
        return ("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }
}
