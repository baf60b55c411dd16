package dev.localllm.api.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.logging.LogFormat;
import dev.localllm.api.prompt.PromptFolder;
import dev.localllm.api.setting.AppEnvironment;
import dev.localllm.api.setting.InvalidSettingException;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.util.unit.DataSize;

class SettingsTest {

    private static final Map<String, String> PRODUCTION = Map.of(
            "APP_ENV", "production",
            "OLLAMA_BASE_URL", "http://host.docker.internal:11434",
            "MODEL_NAME", "qwen3:4b",
            "RATE_LIMIT_RPM", "60",
            "ALLOWED_ORIGINS", "https://app.example.com");

    @Test
    void requiresNothingInLocal() {
        Settings settings = Settings.from(name -> null);

        assertThat(settings.server().environment()).isEqualTo(AppEnvironment.LOCAL);
        assertThat(settings.server().port()).isEqualTo(8000);
        assertThat(settings.server().managementAddress()).isEqualTo("127.0.0.1");
        assertThat(settings.server().managementPort()).isEqualTo(9000);
        assertThat(settings.server().logFormat()).isEqualTo(LogFormat.TEXT);
        assertThat(settings.modelServer().baseUrl()).isEqualTo("auto");
        assertThat(settings.modelServer().modelName()).isNull();
        assertThat(settings.modelServer().allowedModels()).isEqualTo(AllowedModels.ALL);
        assertThat(settings.limits().requestsPerMinute()).isEqualTo(60);
        assertThat(settings.limits().burst()).isEqualTo(60);
        assertThat(settings.memory().body()).isEqualTo(DataSize.ofMegabytes(8));
        assertThat(settings.chats().prompts().systemPrompt()).isNull();
    }

    @Test
    void allowsOnlyTheDefaultModelOutsideLocalByDefault() {
        Settings settings = Settings.from(PRODUCTION::get);

        assertThat(settings.modelServer().allowedModels().target(new ModelId("qwen3:4b")))
                .isEqualTo(new ModelId("qwen3:4b"));
        assertThat(settings.modelServer().allowedModels().target(new ModelId("other")))
                .isNull();
    }

    @Test
    void readsEveryKindOfValue() {
        Settings settings = Settings.from(production(Map.of(
                "ALLOWED_MODELS", "fast=qwen3:4b, big=qwen3:14b",
                "MODEL_NAME", "fast",
                "KEEP_ALIVE", "-1",
                "CONNECT_TIMEOUT", "500ms",
                "MAX_BODY_SIZE", "512KB",
                "ALLOWED_ORIGINS", " https://a.example , http://localhost:3000",
                "TRUSTED_PROXIES", "172.28.0.0/24,::1/128",
                "SYSTEM_PROMPT", "Be kind."))::get);

        assertThat(settings.modelServer().allowedModels().target(new ModelId("fast")))
                .isEqualTo(new ModelId("qwen3:4b"));
        assertThat(settings.modelServer().keepAlive()).isNegative();
        assertThat(settings.deadlines().connect()).isEqualTo(Duration.ofMillis(500));
        assertThat(settings.memory().body()).isEqualTo(DataSize.ofKilobytes(512));
        assertThat(settings.clients().allowedOrigins()).containsExactly("https://a.example", "http://localhost:3000");
        assertThat(settings.chats().prompts().systemPrompt().text()).isEqualTo("Be kind.");
    }

    @Test
    void servesNoDocumentInProductionUnlessItIsSwitchedOn() {
        Map<String, String> staging = production(Map.of("APP_ENV", "staging"));

        assertThat(Settings.from(name -> null).server().docs()).isTrue();
        assertThat(Settings.from(staging::get).server().docs()).isTrue();
        assertThat(Settings.from(PRODUCTION::get).server().docs()).isFalse();
        assertThat(Settings.from(production(Map.of("API_DOCS", "on"))::get)
                        .server()
                        .docs())
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({"0s, PT0S", "1s, PT1S", "8760h, PT8760H"})
    void acceptsTheLimitsOfKeepAlive(String text, Duration duration) {
        assertThat(Settings.from(Map.of("KEEP_ALIVE", text)::get).modelServer().keepAlive())
                .isEqualTo(duration);
    }

    @ParameterizedTest
    @CsvSource({"unknown", "0123456789abcdef0123456789abcdef01234567"})
    void acceptsARevision(String revision) {
        assertThat(Settings.from(Map.of("APP_REVISION", revision)::get).server().revision())
                .isEqualTo(revision);
    }

    @Test
    void takesThePromptsFromAFolder() {
        PromptFolder local = Settings.from(name -> null).chats().prompts();
        PromptFolder deployed = Settings.from(production(Map.of())::get).chats().prompts();
        PromptFolder other = Settings.from(Map.of("PROMPT_FOLDER", "other", "DEFAULT_PROMPT", "a@1")::get)
                .chats()
                .prompts();

        assertThat(local).isEqualTo(new PromptFolder(Path.of("prompts"), true, null, null));
        assertThat(deployed).isEqualTo(new PromptFolder(Path.of("prompts"), false, null, null));
        assertThat(other).isEqualTo(new PromptFolder(Path.of("other"), false, null, "a@1"));
        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(Map.of("SYSTEM_PROMPT", "text", "DEFAULT_PROMPT", "a")::get))
                .withMessage("DEFAULT_PROMPT: 'a' (expected: not set together with SYSTEM_PROMPT)");
    }

    @ParameterizedTest
    @CsvSource({"staging, ECS", "production, ECS"})
    void logsJsonOutsideLocalByDefault(String environment, LogFormat format) {
        Map<String, String> settings = production(Map.of("APP_ENV", environment));

        assertThat(Settings.from(settings::get).server().logFormat()).isEqualTo(format);
        settings.put("LOG_FORMAT", "text");
        assertThat(Settings.from(settings::get).server().logFormat()).isEqualTo(LogFormat.TEXT);
    }

    @Test
    void offersTheSimulatorInLocalOnly() {
        Map<String, String> local = Map.of("OLLAMA_BASE_URL", "ollama");

        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(local::get))
                .withMessageContaining("auto, embedded or a URL");
        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(production(local)::get))
                .withMessageContaining("(expected: a URL");
    }

    @ParameterizedTest
    @CsvFileSource(resources = "/bad-settings.csv", delimiter = '|', quoteCharacter = '`', maxCharsPerColumn = 5000)
    void refusesInvalidValuesByName(String variable, String value, String expected) {
        Map<String, String> environment = production(Map.of(variable, value));

        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(environment::get))
                .satisfies(e -> assertThat(e.getMessage())
                        .startsWith(variable + ": '" + value + "' (expected: ")
                        .contains(expected)
                        .doesNotContain("\n"));
    }

    @Test
    void refusesABodyThatIsLargerThanAClientsShare() {
        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(Map.of("BODY_BUDGET", "4MB", "MAX_BODY_SIZE", "3MB")::get))
                .withMessageStartingWith("MAX_BODY_SIZE: ")
                .withMessageContaining("half of BODY_BUDGET");
    }

    @Test
    void limitsABodyToAClientsShare() {
        assertThat(Settings.from(Map.of("BODY_BUDGET", "4MB")::get).memory().body())
                .isEqualTo(DataSize.ofMegabytes(2));
    }

    @Test
    void limitsTheBufferOfAStreamToItsBudget() {
        Map<String, String> small = Map.of(
                "MAX_BODY_SIZE", "2MB", "BODY_BUDGET", "4MB", "RESPONSE_BUDGET", "1MB", "STREAM_BUDGET", "256KB");

        assertThat(Settings.from(small::get).memory())
                .hasToString("bodies 4MB (2MB per client), responses 1MB, streams 256KB (256KB each)");
        assertThat(Settings.from(name -> null).memory().streamBuffer()).isEqualTo(DataSize.ofKilobytes(512));
    }

    @Test
    void derivesTheBudgetsFromTheHeap() {
        MemoryLimits memory = Settings.from(name -> null).memory();
        long heap = Runtime.getRuntime().maxMemory();

        assertThat(memory.bodies().toBytes()).isEqualTo(heap / 8);
        assertThat(memory.bodiesPerClient().toBytes()).isEqualTo(heap / 16);
        assertThat(memory.responses().toBytes()).isEqualTo(heap / 16);
        assertThat(memory.streams().toBytes()).isEqualTo(heap / 16);
    }

    @ParameterizedTest
    @CsvSource({"OLLAMA_BASE_URL", "MODEL_NAME", "RATE_LIMIT_RPM", "ALLOWED_ORIGINS"})
    void refusesMissingRequiredSettingsOutsideLocal(String variable) {
        for (String blank : new String[] {null, "", "  "}) {
            Map<String, String> environment = production(Map.of());
            environment.put(variable, blank);

            assertThatExceptionOfType(InvalidSettingException.class)
                    .isThrownBy(() -> Settings.from(environment::get))
                    .satisfies(e -> assertThat(e.getMessage())
                            .startsWith(variable + ": not set (expected: ")
                            .contains("required in production"));
        }
    }

    @Test
    void refusesTheSimulatorOutsideLocalOnly() {
        for (String keyword : List.of("auto", "embedded")) {
            assertThat(Settings.from(Map.of("OLLAMA_BASE_URL", keyword)::get)
                            .modelServer()
                            .baseUrl())
                    .isEqualTo(keyword);
            assertThatExceptionOfType(InvalidSettingException.class)
                    .isThrownBy(() -> Settings.from(production(Map.of("OLLAMA_BASE_URL", keyword))::get));
        }
    }

    @Test
    void refusesEveryOriginInProductionOnly() {
        assertThat(Settings.from(Map.of("ALLOWED_ORIGINS", "*")::get).clients().allowedOrigins())
                .containsExactly("*");
        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(production(Map.of("ALLOWED_ORIGINS", "*"))::get));
    }

    private static Map<String, String> production(Map<String, String> changed) {
        Map<String, String> environment = new HashMap<>(PRODUCTION);
        environment.putAll(changed);
        return environment;
    }
}
