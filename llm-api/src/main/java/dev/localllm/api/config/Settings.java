package dev.localllm.api.config;

import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.SystemPrompt;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;

/**
 * All settings of the server, validated. docs/configuration.md describes each variable.
 *
 * @param revision commit that the running image was built from, or {@code unknown}
 * @param serverAddress IP address that the server listens on
 * @param allowedHosts additional host names that are served while the server listens on loopback
 * @param ollamaBaseUrl {@link #AUTO}, {@link #EMBEDDED} or a URL without path
 * @param modelName default for requests that name no model; null for the first model of Ollama that can chat
 * @param keepAlive negative means for ever
 * @param rateLimitRpm per client; 0 for no limit
 * @param rateLimitGlobalRpm over all clients; 0 for no limit
 * @param maxOutputTokens maximum tokens of one response
 * @param memory memory limits of all requests together
 * @param systemPrompt null for none
 */
public record Settings(
        AppEnvironment environment,
        String revision,
        String serverAddress,
        int serverPort,
        List<String> allowedHosts,
        int managementPort,
        String ollamaBaseUrl,
        @Nullable ModelId modelName,
        AllowedModels allowedModels,
        int contextTokens,
        Duration keepAlive,
        Duration connectTimeout,
        Duration firstTokenTimeout,
        Duration idleTimeout,
        Duration totalTimeout,
        Duration nonStreamingTimeout,
        Duration heartbeatInterval,
        Duration writeStallTimeout,
        Duration headerTimeout,
        Duration bodyTimeout,
        Duration shutdownTimeout,
        int maxConcurrentRequests,
        int ollamaNumParallel,
        int rateLimitRpm,
        int rateLimitBurst,
        int rateLimitGlobalRpm,
        List<String> allowedOrigins,
        List<String> trustedProxies,
        String clientIdHeader,
        int maxOutputTokens,
        DataSize maxBodySize,
        MemoryLimits memory,
        @Nullable SystemPrompt systemPrompt,
        PromptLimits promptLimits,
        int simulatorTokensPerSecond) {

    static final String AUTO = "auto";
    static final String EMBEDDED = "embedded";

    private static final Duration FOR_EVER = Duration.ofSeconds(-1);
    private static final Duration LONGEST = Duration.ofHours(24);
    private static final Duration TOTAL = Duration.ofMinutes(30);

    /** Below the limits around the server: the proxy waits a minute longer, Compose ten seconds longer. */
    private static final Duration MAX_SHUTDOWN = Duration.ofSeconds(35);

    /** Cloudflare's tunnel closes a response that is silent for about 100 s. */
    private static final Duration BELOW_PROXIES = Duration.ofSeconds(90);

    private static final int MAX_PORT = 65535;
    private static final int MAX_RPM = 1_000_000;
    private static final List<String> LOCAL_ORIGINS = List.of("http://localhost:3000", "http://localhost:5173");
    private static final List<String> LOOPBACK = List.of("127.0.0.0/8", "::1/128");
    private static final String MODEL_EXPECTED = "the name of a model, as qwen3:4b";

    /**
     * Reads and checks every variable.
     *
     * @param lookup the value of a variable, null if it is not set
     * @throws InvalidSettingException for the first variable that is missing or wrong
     */
    public static Settings from(Function<String, @Nullable String> lookup) {
        Variables variables = new Variables(lookup);
        AppEnvironment environment = variables.parsed(
                "APP_ENV", AppEnvironment.LOCAL, "local, staging or production", Settings::environment);
        AllowedModels allowedModels = variables.parsed(
                "ALLOWED_MODELS",
                AllowedModels.ALL,
                "a comma-separated list of models, each as qwen3:4b or alias=qwen3:4b",
                Settings::allowedModels);
        ModelId modelName = modelName(variables, environment, allowedModels);
        boolean local = environment == AppEnvironment.LOCAL;
        DataSize maxBodySize = variables.size("MAX_BODY_SIZE", DataSize.ofMegabytes(1), DataSize.ofMegabytes(100));
        int rateLimitRpm = required(
                variables,
                environment,
                "RATE_LIMIT_RPM",
                60,
                "a whole number from 0 to " + MAX_RPM,
                text -> inRange(Integer.parseInt(text), 0, MAX_RPM));
        return new Settings(
                environment,
                variables.parsed(
                        "APP_REVISION", "unknown", "a commit hash of 40 hex digits, or unknown", Settings::revision),
                variables.parsed(
                        "SERVER_ADDRESS",
                        "127.0.0.1",
                        "an IP address, as 127.0.0.1 or 0.0.0.0",
                        text -> Addresses.isAddress(text) ? text : null),
                variables.integer("SERVER_PORT", 8000, 0, MAX_PORT),
                variables.parsed(
                        "ALLOWED_HOSTS",
                        List.of(),
                        "a comma-separated list of host names, as mac-mini.local",
                        text -> Variables.items(text, item -> item.matches("[A-Za-z0-9._-]{1,253}"))),
                managementPort(variables),
                ollamaBaseUrl(variables, environment),
                modelName,
                allowedModels.all() && environment != AppEnvironment.LOCAL && modelName != null
                        ? new AllowedModels(Map.of(modelName, modelName))
                        : allowedModels,
                variables.integer("NUM_CTX", 8192, 256, 1 << 20),
                variables.parsed(
                        "KEEP_ALIVE",
                        Duration.ofMinutes(30),
                        "a duration as 30s or 5m, or -1 for ever",
                        Settings::keepAlive),
                variables.duration("CONNECT_TIMEOUT", Duration.ofSeconds(3), Duration.ofMinutes(1)),
                variables.duration("FIRST_TOKEN_TIMEOUT", Duration.ofMinutes(5), LONGEST),
                variables.duration("IDLE_TIMEOUT", Duration.ofSeconds(60), LONGEST),
                variables.duration("TOTAL_TIMEOUT", TOTAL, local ? LONGEST : TOTAL),
                variables.duration("NON_STREAMING_TIMEOUT", local ? TOTAL : BELOW_PROXIES, local ? LONGEST : TOTAL),
                variables.duration("HEARTBEAT_INTERVAL", Duration.ofSeconds(15), Duration.ofMinutes(10)),
                variables.duration("WRITE_STALL_TIMEOUT", Duration.ofSeconds(30), LONGEST),
                variables.duration("HEADER_TIMEOUT", Duration.ofSeconds(10), Duration.ofMinutes(10)),
                variables.duration("BODY_TIMEOUT", Duration.ofSeconds(10), Duration.ofMinutes(10)),
                variables.duration("SHUTDOWN_TIMEOUT", Duration.ofSeconds(30), local ? LONGEST : MAX_SHUTDOWN),
                variables.integer("MAX_CONCURRENT_REQUESTS", 64, 1, 10_000),
                variables.integer("OLLAMA_NUM_PARALLEL", 1, 1, 1_000),
                rateLimitRpm,
                variables.integer("RATE_LIMIT_BURST", Math.max(1, rateLimitRpm), 1, MAX_RPM),
                variables.integer("RATE_LIMIT_GLOBAL_RPM", 0, 0, MAX_RPM),
                required(
                        variables,
                        environment,
                        "ALLOWED_ORIGINS",
                        LOCAL_ORIGINS,
                        originsExpected(environment),
                        text -> Variables.items(
                                text, item -> Addresses.isOrigin(item, environment != AppEnvironment.PRODUCTION))),
                variables.parsed(
                        "TRUSTED_PROXIES",
                        LOOPBACK,
                        "a comma-separated list of networks, as 172.28.0.0/24",
                        text -> Variables.items(text, Addresses::isNetwork)),
                variables.parsed(
                        "CLIENT_ID_HEADER",
                        local ? "X-Client-Id" : "CF-Connecting-IP",
                        "the name of an HTTP header",
                        text -> text.matches("[A-Za-z0-9-]{1,64}") ? text : null),
                variables.integer("MAX_OUTPUT_TOKENS", 8192, 1, 1 << 20),
                maxBodySize,
                MemoryLimits.from(variables, maxBodySize, Runtime.getRuntime().maxMemory()),
                variables.text("SYSTEM_PROMPT") == null ? null : new SystemPrompt(variables.text("SYSTEM_PROMPT", "")),
                new PromptLimits(
                        variables.integer("MAX_PROMPT_MESSAGES", 500, 1, 100_000),
                        variables.integer("MAX_PROMPT_CHARACTERS", 200_000, 1, 100_000_000)),
                variables.integer("SIMULATOR_TOKENS_PER_SECOND", 40, 1, 100_000));
    }

    private static <T> T required(
            Variables variables,
            AppEnvironment environment,
            String name,
            T local,
            String expected,
            Function<String, @Nullable T> parser) {
        requireSet(variables, environment, name, expected);
        return variables.parsed(name, local, expected, parser);
    }

    private static void requireSet(Variables variables, AppEnvironment environment, String name, String expected) {
        if (environment != AppEnvironment.LOCAL && variables.text(name) == null) {
            throw new InvalidSettingException(name, null, expected + "; required in " + environment);
        }
    }

    private static @Nullable AppEnvironment environment(String text) {
        for (AppEnvironment environment : AppEnvironment.values()) {
            if (environment.toString().equals(text)) {
                return environment;
            }
        }
        return null;
    }

    private static @Nullable String revision(String text) {
        return text.equals("unknown") || text.matches("[0-9a-f]{40}") ? text : null;
    }

    /** On the API's port, actuator would be open to every caller. */
    private static int managementPort(Variables variables) {
        int port = variables.integer("MANAGEMENT_PORT", 9000, 0, MAX_PORT);
        if (port != 0 && port == variables.integer("SERVER_PORT", 8000, 0, MAX_PORT)) {
            throw new InvalidSettingException("MANAGEMENT_PORT", String.valueOf(port), "another port than SERVER_PORT");
        }
        return port;
    }

    private static String ollamaBaseUrl(Variables variables, AppEnvironment environment) {
        boolean local = environment == AppEnvironment.LOCAL;
        String expected =
                (local ? "auto, embedded or " : "") + "a URL without path, as http://host.docker.internal:11434";
        return required(variables, environment, "OLLAMA_BASE_URL", AUTO, expected, text -> {
            boolean keyword = text.equals(AUTO) || text.equals(EMBEDDED);
            return keyword
                    ? (local ? text : null)
                    : Addresses.isOrigin(text, false) && !text.endsWith("/") ? text : null;
        });
    }

    private static @Nullable ModelId modelName(
            Variables variables, AppEnvironment environment, AllowedModels allowedModels) {
        requireSet(variables, environment, "MODEL_NAME", MODEL_EXPECTED);
        String text = variables.text("MODEL_NAME");
        if (text == null) {
            return null;
        }
        if (!ModelId.isName(text)) {
            throw new InvalidSettingException("MODEL_NAME", text, MODEL_EXPECTED);
        }
        ModelId model = new ModelId(text);
        if (allowedModels.target(model) == null) {
            throw new InvalidSettingException("MODEL_NAME", text, "one of the names in ALLOWED_MODELS");
        }
        return model;
    }

    private static @Nullable AllowedModels allowedModels(String text) {
        List<String> items = Variables.items(text, item -> item.matches("([\\w.:/-]+=)?[\\w.:/-]+"));
        if (items == null) {
            return null;
        }
        Map<ModelId, ModelId> targets = new LinkedHashMap<>();
        for (String item : items) {
            int equals = item.indexOf('=');
            ModelId target = new ModelId(item.substring(equals + 1));
            targets.put(equals < 0 ? target : new ModelId(item.substring(0, equals)), target);
        }
        return targets.size() == items.size() ? new AllowedModels(targets) : null;
    }

    private static @Nullable Duration keepAlive(String text) {
        return text.equals("-1") ? FOR_EVER : Variables.duration(text);
    }

    private static @Nullable Integer inRange(int number, int min, int max) {
        return number >= min && number <= max ? number : null;
    }

    private static String originsExpected(AppEnvironment environment) {
        return "a comma-separated list of origins, as https://app.example.com"
                + (environment == AppEnvironment.PRODUCTION ? "; * is refused in production" : ", or *");
    }
}
