package dev.localllm.api.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.util.unit.DataSize;

class SettingsTest {

    private static final Path DEPLOY = Path.of("../llm-deploy");
    private static final Map<String, String> PRODUCTION = Map.of(
            "APP_ENV", "production",
            "OLLAMA_BASE_URL", "http://host.docker.internal:11434",
            "MODEL_NAME", "qwen3:4b",
            "RATE_LIMIT_RPM", "60",
            "ALLOWED_ORIGINS", "https://app.example.com");

    @Test
    void requiresNothingInLocal() {
        Settings settings = Settings.from(name -> null);

        assertThat(settings.environment()).isEqualTo(AppEnvironment.LOCAL);
        assertThat(settings.serverPort()).isEqualTo(8000);
        assertThat(settings.managementPort()).isEqualTo(9000);
        assertThat(settings.ollamaBaseUrl()).isEqualTo("auto");
        assertThat(settings.modelName()).isNull();
        assertThat(settings.allowedModels()).isEqualTo(AllowedModels.ALL);
        assertThat(settings.rateLimitRpm()).isEqualTo(60);
        assertThat(settings.maxBodySize()).isEqualTo(DataSize.ofMegabytes(1));
        assertThat(settings.systemPrompt()).isNull();
    }

    @Test
    void allowsOnlyTheDefaultModelOutsideLocalByDefault() {
        Settings settings = Settings.from(PRODUCTION::get);

        assertThat(settings.allowedModels().target(new ModelId("qwen3:4b"))).isEqualTo(new ModelId("qwen3:4b"));
        assertThat(settings.allowedModels().target(new ModelId("other"))).isNull();
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

        assertThat(settings.allowedModels().target(new ModelId("fast"))).isEqualTo(new ModelId("qwen3:4b"));
        assertThat(settings.keepAlive()).isNegative();
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofMillis(500));
        assertThat(settings.maxBodySize()).isEqualTo(DataSize.ofKilobytes(512));
        assertThat(settings.allowedOrigins()).containsExactly("https://a.example", "http://localhost:3000");
        assertThat(settings.systemPrompt().text()).isEqualTo("Be kind.");
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
            assertThat(Settings.from(Map.of("OLLAMA_BASE_URL", keyword)::get).ollamaBaseUrl())
                    .isEqualTo(keyword);
            assertThatExceptionOfType(InvalidSettingException.class)
                    .isThrownBy(() -> Settings.from(production(Map.of("OLLAMA_BASE_URL", keyword))::get));
        }
    }

    @Test
    void refusesEveryOriginInProductionOnly() {
        assertThat(Settings.from(Map.of("ALLOWED_ORIGINS", "*")::get).allowedOrigins())
                .containsExactly("*");
        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> Settings.from(production(Map.of("ALLOWED_ORIGINS", "*"))::get));
    }

    @ParameterizedTest
    @CsvSource({"local", "staging", "production"})
    void readsWhatTheManifestHas(String environment) throws IOException {
        Map<String, String> set = matching("[A-Z_]+=.*", example(environment));
        Set<String> read = new TreeSet<>();

        Settings settings = Settings.from(name -> {
            read.add(name);
            return set.get(name);
        });

        assertThat(settings.environment()).hasToString(environment);
        assertThat(read).isEqualTo(settingsOfTheServer());
    }

    @ParameterizedTest
    @CsvSource({"local", "staging", "production"})
    void requiresWhatTheManifestRequires(String environment) throws IOException {
        Map<String, String> set = matching("[A-Z_]+=.*", example(environment));
        for (String name : set.keySet()) {
            Map<String, String> others = new HashMap<>(set);
            others.remove(name);
            if (!name.equals("APP_ENV") && settingsOfTheServer().contains(name)) {
                assertThatExceptionOfType(InvalidSettingException.class)
                        .isThrownBy(() -> Settings.from(others::get))
                        .withMessageStartingWith(name + ": not set")
                        .withMessageContaining("required in " + environment);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"local", "staging", "production"})
    void hasTheManifestsDefaults(String environment) throws IOException {
        Map<String, String> set = matching("[A-Z_]+=.*", example(environment));
        Map<String, String> explicit = new HashMap<>(set);
        explicit.putAll(matching("#[A-Z_]+=.+", example(environment)));
        assertThat(explicit).hasSizeGreaterThan(20);

        assertThat(Settings.from(explicit::get)).isEqualTo(Settings.from(set::get));
    }

    private static Path example(String environment) {
        return DEPLOY.resolve("env/.env." + environment + ".example");
    }

    /** Maps variables to values, from matching lines, commented out or not. */
    private static Map<String, String> matching(String pattern, Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.matches(pattern))
                .map(line -> line.replaceFirst("^#", "").split("=", 2))
                .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
    }

    /** Names of the manifest's settings that the server reads, without those of the deploy tool. */
    private static Set<String> settingsOfTheServer() throws IOException {
        return Files.readAllLines(DEPLOY.resolve("env/manifest.csv")).stream()
                .map(line -> line.split(" *\\| *", 4))
                .filter(cells -> cells.length == 4 && cells[2].equals("server"))
                .map(cells -> cells[0])
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Map<String, String> production(Map<String, String> changed) {
        Map<String, String> environment = new HashMap<>(PRODUCTION);
        environment.putAll(changed);
        return environment;
    }
}
