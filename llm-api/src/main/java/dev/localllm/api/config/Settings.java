package dev.localllm.api.config;

import static dev.localllm.api.setting.Defaults.everywhere;
import static dev.localllm.api.setting.Defaults.localAndDeployed;
import static dev.localllm.api.setting.Defaults.localOnly;
import static dev.localllm.api.setting.Defaults.required;
import static dev.localllm.api.setting.Defaults.sameAs;
import static dev.localllm.api.setting.Defaults.value;
import static dev.localllm.api.setting.Defaults.words;
import static dev.localllm.api.setting.Setting.setting;
import static dev.localllm.api.setting.ValueType.duration;
import static dev.localllm.api.setting.ValueType.list;
import static dev.localllm.api.setting.ValueType.number;
import static dev.localllm.api.setting.ValueType.text;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.logging.LogFormat;
import dev.localllm.api.prompt.PromptFolder;
import dev.localllm.api.setting.AppEnvironment;
import dev.localllm.api.setting.Defaults;
import dev.localllm.api.setting.InvalidSettingException;
import dev.localllm.api.setting.Setting;
import dev.localllm.api.setting.ValueType;
import dev.localllm.api.setting.Variables;
import dev.localllm.core.admission.QueueLimits;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.DefaultThinking;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.SystemPrompt;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * All settings, validated. Each is declared where it is read, and nowhere else: CONTRIBUTING.md tells what is generated
 * from the declarations.
 */
public record Settings(
        Server server,
        ModelServer modelServer,
        Deadlines deadlines,
        Connections connections,
        Limits limits,
        Clients clients,
        MemoryLimits memory,
        Chats chats) {

    static final Setting<AppEnvironment> APP_ENV = setting(
            "APP_ENV",
            ValueType.of("local, staging or production", Settings::environment),
            new Defaults(value("local"), required("staging"), required("production")),
            "`local`, `staging` or `production`");

    private static final int MAX_TOKENS = 1 << 20;

    /**
     * Reads and checks every variable.
     *
     * @param lookup the value of a variable, null if it is not set
     * @throws InvalidSettingException for the first variable that is missing or invalid
     */
    public static Settings from(Function<String, @Nullable String> lookup) {
        return read(new Variables(lookup, APP_ENV));
    }

    static Settings read(Variables variables) {
        return new Settings(
                Server.read(variables),
                ModelServer.read(variables),
                Deadlines.read(variables),
                Connections.read(variables),
                Limits.read(variables),
                Clients.read(variables),
                MemoryLimits.read(variables, Runtime.getRuntime().maxMemory()),
                Chats.read(variables));
    }

    private static @Nullable Boolean onOrOff(String text) {
        return switch (text) {
            case "on" -> true;
            case "off" -> false;
            default -> null;
        };
    }

    private static @Nullable AppEnvironment environment(String text) {
        for (AppEnvironment environment : AppEnvironment.values()) {
            if (environment.toString().equals(text)) {
                return environment;
            }
        }
        return null;
    }

    /**
     * What runs, and where it listens.
     *
     * @param revision commit that the running image was built from, or {@code unknown}
     * @param address IP address that the server listens on
     * @param allowedHosts additional host names that are served while the server listens on loopback
     * @param managementAddress IP address that actuator listens on
     * @param docs true if the server serves its OpenAPI document and the page that shows it
     */
    public record Server(
            AppEnvironment environment,
            String revision,
            String address,
            int port,
            List<String> allowedHosts,
            String managementAddress,
            int managementPort,
            LogFormat logFormat,
            boolean docs) {

        private static final int MAX_PORT = 65535;

        static Server read(Variables variables) {
            Server server = new Server(
                    variables.environment(),
                    variables.get(setting(
                            "APP_REVISION",
                            text(
                                    "a commit hash of 40 hex digits, or unknown",
                                    text -> text.equals("unknown") || text.matches("[0-9a-f]{40}")),
                            localOnly(value("unknown")),
                            "commit of the running image, 40 hex digits; set by the image, shown by `/health`")),
                    variables.get(setting(
                            "SERVER_ADDRESS",
                            text("an IP address, such as 127.0.0.1 or 0.0.0.0", Addresses::isAddress),
                            localOnly(value("127.0.0.1")),
                            "listen address (IP); the image and the local container set 0.0.0.0. On loopback only"
                                    + " requests for loopback hosts, `host.docker.internal` and `ALLOWED_HOSTS` are"
                                    + " served; others get a 403")),
                    variables.get(setting(
                            "SERVER_PORT",
                            number(0, MAX_PORT),
                            everywhere("8000"),
                            "API port, {range}; 0 picks a free one")),
                    variables.get(
                            setting(
                                    "ALLOWED_HOSTS",
                                    list(
                                            "host names, such as mac-mini.local",
                                            host -> host.matches("[A-Za-z0-9._-]{1,253}")),
                                    localOnly(words("none")),
                                    "comma-separated host names, without ports, also served while the server listens on"
                                            + " loopback"),
                            List.of()),
                    variables.get(setting(
                            "MANAGEMENT_ADDRESS",
                            text("an IP address, such as 127.0.0.1 or 0.0.0.0", Addresses::isAddress),
                            localOnly(value("127.0.0.1")),
                            "actuator's listen address (IP); the image sets 0.0.0.0 for the proxy in front of it")),
                    variables.get(setting(
                            "MANAGEMENT_PORT",
                            number(0, MAX_PORT),
                            localOnly(value("9000")),
                            "actuator's port, {range}; 0 picks a free one. In staging and production 9000: never"
                                    + " published, the proxy passes only `GET /actuator/prometheus`"
                                    + " (docs/operations.md)")),
                    variables.get(setting(
                            "LOG_FORMAT",
                            ValueType.of("text or ecs", LogFormat::named),
                            localAndDeployed(value("text"), value("ecs")),
                            "format of the log: `text`, or `ecs` for JSON by the Elastic Common Schema")),
                    variables.get(setting(
                            "API_DOCS",
                            ValueType.of("on or off", Settings::onOrOff),
                            new Defaults(value("on"), value("on"), value("off")),
                            "`on` serves the OpenAPI document at `/openapi.json`, and at `/docs` a page that shows it and can"
                                    + " send requests; except on loopback, the page's origin must be in `ALLOWED_ORIGINS`"
                                    + " to send requests")));
            // On the API's port, actuator would be open to every caller.
            if (server.managementPort != 0 && server.managementPort == server.port) {
                throw new InvalidSettingException(
                        "MANAGEMENT_PORT", String.valueOf(server.managementPort), "another port than SERVER_PORT");
            }
            return server;
        }
    }

    /**
     * The model server and its models.
     *
     * @param baseUrl {@link #AUTO}, {@link #EMBEDDED} or a URL without path
     * @param modelName default for requests that name no model; null for the first model of Ollama that can chat
     * @param keepAlive negative means for ever
     */
    public record ModelServer(
            String baseUrl,
            @Nullable ModelId modelName,
            AllowedModels allowedModels,
            int contextTokens,
            Duration keepAlive,
            boolean warmUp,
            DefaultThinking thinking,
            int simulatorTokensPerSecond) {

        static final String AUTO = "auto";
        static final String EMBEDDED = "embedded";

        private static final Duration FOR_EVER = Duration.ofSeconds(-1);

        /** Ollama gets whole seconds. */
        private static final Duration MIN_KEEP_ALIVE = Duration.ofSeconds(1);

        private static final Duration MAX_KEEP_ALIVE = Duration.ofDays(365);

        static ModelServer read(Variables variables) {
            String baseUrl = variables.get(setting(
                    "OLLAMA_BASE_URL",
                    baseUrl(variables.environment() == AppEnvironment.LOCAL),
                    localAndDeployed(value(AUTO), required("http://host.docker.internal:11434")),
                    "URL without path; in local also `embedded` (the simulator) or `auto` (Ollama at 127.0.0.1 or"
                            + " host.docker.internal, port 11434, probed for up to 3 s; else the simulator)"));
            ModelId modelName = variables.find(setting(
                    "MODEL_NAME",
                    ValueType.of("the name of a model, such as qwen3:4b", ModelId::new),
                    localAndDeployed(words("first model that can chat"), required("qwen3:4b")),
                    "default model; one of `ALLOWED_MODELS` if that is set"));
            AllowedModels allowedModels = variables.get(
                    setting(
                            "ALLOWED_MODELS",
                            ValueType.of(
                                    "a comma-separated list of models, each in the form qwen3:4b or alias=qwen3:4b",
                                    ModelServer::allowedModels),
                            localAndDeployed(words("every model"), sameAs("MODEL_NAME")),
                            "comma-separated models that clients may use, those for embeddings too; `fast=qwen3:4b` makes"
                                    + " `fast` an alias"),
                    variables.environment() == AppEnvironment.LOCAL || modelName == null
                            ? AllowedModels.ALL
                            : new AllowedModels(Map.of(modelName, modelName)));
            if (modelName != null && allowedModels.target(modelName) == null) {
                throw new InvalidSettingException(
                        "MODEL_NAME", modelName.value(), "one of the names in ALLOWED_MODELS");
            }
            return new ModelServer(
                    baseUrl,
                    modelName,
                    allowedModels,
                    variables.get(setting(
                            "NUM_CTX",
                            number(256, MAX_TOKENS),
                            everywhere("8192"),
                            "context of every request in tokens, {range}. Ollama reloads a model for another value: use"
                                    + " the same in all environments")),
                    variables.get(setting(
                            "KEEP_ALIVE",
                            new ValueType<>(
                                    "0s, a duration from 1s to 8760h, such as 30s or 5m, or -1 for ever",
                                    "0s or 1s to 8760h",
                                    ModelServer::keepAlive),
                            everywhere("30m"),
                            "how long Ollama keeps the model loaded after a response, {range}; `-1` for ever")),
                    variables.get(
                            setting(
                                    "WARM_UP",
                                    ValueType.of("true or false", ModelServer::trueOrFalse),
                                    localAndDeployed(value("false"), value("true")),
                                    "`true` loads `MODEL_NAME` after a start, of the server or of Ollama, before a chat needs"
                                            + " it, also after `ollama stop`; `false` doesn't. No effect with `KEEP_ALIVE=0s`")),
                    variables.get(
                            setting(
                                    "MODEL_THINKING",
                                    ValueType.of(
                                            "a comma-separated list of allowed models such as qwen3:4b=off, each once, with on, off,"
                                                    + " low, medium, high or max",
                                            text -> defaultThinking(text, allowedModels)),
                                    everywhere(words("the model's default")),
                                    "comma-separated models and whether they think if a request doesn't say it, such as"
                                            + " `qwen3:4b=off`: `on`, `off`, `low`, `medium`, `high` or `max`. A model that"
                                            + " can't think refuses all but `off`"),
                            DefaultThinking.NONE),
                    variables.get(setting(
                            "SIMULATOR_TOKENS_PER_SECOND",
                            number(1, 100_000),
                            localOnly(value("40")),
                            "speed of the embedded simulator, {range}")));
        }

        private static ValueType<String> baseUrl(boolean local) {
            return text(
                    (local ? "auto, embedded or " : "")
                            + "a URL without path, such as http://host.docker.internal:11434",
                    text -> Set.of(AUTO, EMBEDDED).contains(text) ? local : Addresses.isOrigin(text, false));
        }

        private static @Nullable AllowedModels allowedModels(String text) {
            List<String> items = list("models", item -> item.matches("([\\w.:/-]+=)?[\\w.:/-]+"))
                    .parse(text);
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

        /** An alias means its model. */
        private static @Nullable DefaultThinking defaultThinking(String text, AllowedModels allowed) {
            List<String> items = list("models", item -> item.matches("[\\w.:/-]+=(on|off|low|medium|high|max)"))
                    .parse(text);
            if (items == null) {
                return null;
            }
            Map<ModelId, Thinking> byModel = new HashMap<>();
            for (String item : items) {
                int equals = item.indexOf('=');
                ModelId model = allowed.target(new ModelId(item.substring(0, equals)));
                Thinking thinking = Thinking.valueOf(item.substring(equals + 1).toUpperCase(Locale.ROOT));
                if (model == null || byModel.put(model, thinking) != null) {
                    return null;
                }
            }
            return new DefaultThinking(byModel);
        }

        private static @Nullable Boolean trueOrFalse(String text) {
            return Set.of("true", "false").contains(text) ? Boolean.valueOf(text) : null;
        }

        private static @Nullable Duration keepAlive(String text) {
            if (text.equals("-1")) {
                return FOR_EVER;
            }
            Duration duration = ValueType.parseDuration(text);
            boolean inRange = duration.compareTo(MIN_KEEP_ALIVE) >= 0 && duration.compareTo(MAX_KEEP_ALIVE) <= 0;
            return duration.isZero() || inRange ? duration : null;
        }
    }

    /** How long a response may take, and how long it may be silent. */
    public record Deadlines(
            Duration connect,
            Duration firstToken,
            Duration idle,
            Duration total,
            Duration nonStreaming,
            Duration heartbeatInterval) {

        static Deadlines read(Variables variables) {
            return new Deadlines(
                    variables.get(setting(
                            "CONNECT_TIMEOUT",
                            duration("60s"),
                            everywhere("3s"),
                            "connecting to Ollama, {range}; then 504")),
                    variables.get(setting(
                            "FIRST_TOKEN_TIMEOUT",
                            duration("24h"),
                            everywhere("5m"),
                            "from the permit to the first token, {range}; then 504. The load of a model before it may take"
                                    + " as long again")),
                    variables.get(setting(
                            "IDLE_TIMEOUT",
                            duration("24h"),
                            everywhere("60s"),
                            "between two tokens, {range}; paused while the client reads nothing")),
                    variables.get(setting(
                            "TOTAL_TIMEOUT",
                            duration("24h", "30m", variables.environment()),
                            everywhere("30m"),
                            "one streaming response, {range}")),
                    // Cloudflare's tunnel closes a response that is silent for about 100 s.
                    variables.get(setting(
                            "NON_STREAMING_TIMEOUT",
                            duration("24h", "30m", variables.environment()),
                            localAndDeployed(value("30m"), value("90s")),
                            "one non-streaming response, {range}. A tunnel cuts it after about 100 s of silence")),
                    variables.get(setting(
                            "HEARTBEAT_INTERVAL",
                            duration("10m"),
                            everywhere("15s"),
                            "a stream silent for that long gets a comment, {range}; the first after 5 s")));
        }
    }

    /** How long connections of clients may take, and the shutdown. */
    public record Connections(Duration writeStall, Duration header, Duration body, Duration shutdown) {

        static Connections read(Variables variables) {
            return new Connections(
                    variables.get(setting(
                            "WRITE_STALL_TIMEOUT",
                            duration("24h"),
                            everywhere("30s"),
                            "disconnects a client that reads less than about 16 KB in that time while more is waiting,"
                                    + " {range}")),
                    variables.get(setting(
                            "HEADER_TIMEOUT",
                            duration("10m"),
                            everywhere("10s"),
                            "receiving a request's headers, {range}; then 408")),
                    variables.get(setting(
                            "BODY_TIMEOUT",
                            duration("10m"),
                            everywhere("10s"),
                            "receiving a request's body, {range}; then 408")),
                    // Deployed below the limits around the server: those of the proxy and of Compose.
                    variables.get(setting(
                            "SHUTDOWN_TIMEOUT",
                            duration("24h", "35s", variables.environment()),
                            everywhere("30s"),
                            "how long running responses may continue after SIGTERM, {range}. The process ends within"
                                    + " 5 s after that")));
        }
    }

    /**
     * How many generations and requests are allowed.
     *
     * @param embeddings the limits of their own queue
     * @param requestsPerMinute per client; 0 for no limit
     * @param globalRequestsPerMinute over all clients, and their burst; 0 for no limit
     */
    public record Limits(
            QueueLimits queue, QueueLimits embeddings, int requestsPerMinute, int burst, int globalRequestsPerMinute) {

        private static final int MAX_REQUESTS = 10_000;
        private static final int MAX_WEIGHT = 1000;
        private static final int MAX_RPM = 1_000_000;

        static Limits read(Variables variables) {
            QueueLimits queue = new QueueLimits(
                    variables.get(setting(
                            "MAX_CONCURRENT_REQUESTS",
                            number(1, MAX_REQUESTS),
                            everywhere("64"),
                            "running and waiting chats in the whole server, {range}; one more gets a 503")),
                    variables.get(setting(
                            "QUEUE_PER_CLIENT",
                            number(0, MAX_REQUESTS),
                            everywhere("32"),
                            "waiting chats of one client, {range}; one more gets a 503")),
                    variables.get(setting(
                            "OLLAMA_NUM_PARALLEL",
                            number(1, MAX_REQUESTS),
                            everywhere("1"),
                            "chats that one model works on at once, {range}; the others wait. The same as in Ollama,"
                                    + " whose variable it is")),
                    variables.get(
                            setting(
                                    "MODEL_PARALLEL",
                                    ValueType.of(
                                            "a comma-separated list of models and numbers from 1 to " + MAX_REQUESTS
                                                    + ", such as qwen3:4b=2",
                                            text -> numbers(text, MAX_REQUESTS, ModelId::new)),
                                    everywhere(words("none")),
                                    "models that work on another number of chats at once: `qwen3:4b=2,llama3=4`"),
                            Map.of()),
                    variables.get(
                            setting(
                                    "CLIENT_WEIGHTS",
                                    ValueType.of(
                                            "a comma-separated list of clients and numbers from 1 to " + MAX_WEIGHT
                                                    + ", such as backend=4",
                                            text -> numbers(text, MAX_WEIGHT, ClientId::new)),
                                    everywhere(words("1 each")),
                                    "shares of the GPU's time, by the client's id: with `backend=4,batch=1` backend gets"
                                            + " four times as much while both wait"),
                            Map.of()),
                    variables.get(setting(
                            "QUEUE_TIMEOUT",
                            duration("1h"),
                            everywhere("60s"),
                            "waiting for a permit, {range}; then 503. A chat whose expected wait is longer gets its 503 at"
                                    + " once")),
                    variables.get(setting(
                            "MODEL_SWITCH_AFTER",
                            duration("1h"),
                            everywhere("30s"),
                            "how long chats for a loaded model may go before one that needs another model, {range}")));
            QueueLimits embeddings = new QueueLimits(
                    queue.requests(),
                    queue.waitingPerClient(),
                    variables.get(setting(
                            "EMBEDDING_PARALLEL",
                            number(1, MAX_REQUESTS),
                            everywhere("1"),
                            "requests for embeddings that one model works on at once, {range}. The others wait in a queue"
                                    + " of their own, with the other limits of the chats' queue")),
                    Map.of(),
                    queue.weights(),
                    queue.timeout(),
                    queue.switchAfter());
            int requestsPerMinute = variables.get(setting(
                    "RATE_LIMIT_RPM",
                    number(0, MAX_RPM),
                    localAndDeployed(value("60"), required("60")),
                    "requests per minute and client, {range}; then 429. 0 is unlimited"));
            return new Limits(
                    queue,
                    embeddings,
                    requestsPerMinute,
                    variables.get(
                            setting(
                                    "RATE_LIMIT_BURST",
                                    number(1, MAX_RPM),
                                    everywhere(sameAs("RATE_LIMIT_RPM")),
                                    "requests that an idle client may send at once, {range}"),
                            Math.max(1, requestsPerMinute)),
                    variables.get(setting(
                            "RATE_LIMIT_GLOBAL_RPM",
                            number(0, MAX_RPM),
                            everywhere("0"),
                            "requests per minute, and burst, of all clients together, {range}; 0 is unlimited")));
        }

        /** The numbers in {@code a=1,b=2}; null if the text is not of this form or a name is there twice. */
        private static <K> @Nullable Map<K, Integer> numbers(String text, int max, Function<String, K> key) {
            List<String> items = list("numbers", item -> item.matches("[^=]{1,256}=[0-9]{1,5}"))
                    .parse(text);
            if (items == null) {
                return null;
            }
            Map<K, Integer> numbers = new LinkedHashMap<>();
            for (String item : items) {
                int equals = item.indexOf('=');
                int number = Integer.parseInt(item.substring(equals + 1));
                if (number < 1 || number > max || numbers.put(key.apply(item.substring(0, equals)), number) != null) {
                    return null;
                }
            }
            return numbers;
        }
    }

    /** Who may call, and who is charged. */
    public record Clients(List<String> allowedOrigins, List<String> trustedProxies, String idHeader) {

        static Clients read(Variables variables) {
            return new Clients(
                    variables.get(setting(
                            "ALLOWED_ORIGINS",
                            origins(variables.environment() != AppEnvironment.PRODUCTION),
                            new Defaults(
                                    value("http://localhost:3000,http://localhost:5173"),
                                    required("https://staging.example.com"),
                                    required("https://app.example.com")),
                            "comma-separated origins of web pages that may call from a browser; others get a 403. `*`"
                                    + " allows all, refused in production")),
                    variables.get(setting(
                            "TRUSTED_PROXIES",
                            list("networks, such as 172.28.0.0/24", Addresses::isNetwork),
                            localOnly(value("127.0.0.0/8,::1/128")),
                            "comma-separated networks (CIDR) whose `CLIENT_ID_HEADER` is trusted; in staging and"
                                    + " production the proxy in front of the server")),
                    variables.get(setting(
                            "CLIENT_ID_HEADER",
                            text("the name of an HTTP header", text -> text.matches("[A-Za-z0-9-]{1,64}")),
                            localAndDeployed(value("X-Client-Id"), value("CF-Connecting-IP")),
                            "name of the one header by which a trusted proxy identifies the client. If the header is"
                                    + " missing or repeated, or its value is not 1 to 128 visible ASCII characters, the"
                                    + " client is the peer's address. Set another name only for a backend that serves"
                                    + " many users and that alone can reach the tunnel (docs/operations.md, step 9)")));
        }

        private static ValueType<List<String>> origins(boolean wildcard) {
            return list(
                    "origins, such as https://app.example.com" + (wildcard ? ", or *" : "; * is refused in production"),
                    item -> Addresses.isOrigin(item, wildcard));
        }
    }

    /**
     * What holds for every chat.
     *
     * @param maxOutputTokens maximum tokens of one response
     */
    public record Chats(
            int maxOutputTokens, PromptFolder prompts, PromptLimits promptLimits, UnknownFields unknownFields) {

        private static final Path DEFAULT_FOLDER = Path.of("prompts");

        static Chats read(Variables variables) {
            return new Chats(
                    variables.get(setting(
                            "MAX_OUTPUT_TOKENS",
                            number(1, MAX_TOKENS),
                            everywhere("8192"),
                            "tokens of one response, {range}; a request may ask for fewer. A cut response has"
                                    + " `finish_reason` `length`")),
                    prompts(variables),
                    new PromptLimits(
                            variables.get(setting(
                                    "MAX_PROMPT_MESSAGES",
                                    number(1, 100_000),
                                    everywhere("500"),
                                    "messages in one chat, {range}; then 400")),
                            variables.get(
                                    setting(
                                            "MAX_PROMPT_CHARACTERS",
                                            number(1, 100_000_000),
                                            everywhere("200000"),
                                            "characters of all messages in one chat, and of one input to embed, {range}; then 400"))),
                    variables.get(setting(
                            "UNKNOWN_FIELDS",
                            ValueType.of("ignore or refuse", Chats::unknownFields),
                            everywhere("ignore"),
                            "`ignore` names a request's unknown fields in the header `x-ignored-fields` and in the log;"
                                    + " `refuse` answers with a 400")));
        }

        private static PromptFolder prompts(Variables variables) {
            SystemPrompt text = variables.find(setting(
                    "SYSTEM_PROMPT",
                    ValueType.of("a text", SystemPrompt::new),
                    everywhere(words("none")),
                    "added to chats without a system message"));
            Path folder = variables.find(setting(
                    "PROMPT_FOLDER",
                    ValueType.of("the path of a folder", Path::of),
                    localAndDeployed(words("prompts, if it exists"), words("prompts")),
                    "folder with the prompts of the catalogue (docs/prompts.md), which come with the image; read at the"
                            + " start, in local also after a change"));
            String prompt = variables.find(setting(
                    "DEFAULT_PROMPT",
                    text(
                            "the id of a prompt, such as assistant or assistant@2",
                            name -> name.matches("[^@]+(@[^@]+)?")),
                    everywhere(words("none")),
                    "id of a prompt without variables, with its version after `@` or the latest: it is the"
                            + " system prompt; not together with `SYSTEM_PROMPT`"));
            if (text != null && prompt != null) {
                throw new InvalidSettingException("DEFAULT_PROMPT", prompt, "not set together with SYSTEM_PROMPT");
            }
            boolean isOptional = folder == null && variables.environment() == AppEnvironment.LOCAL;
            return new PromptFolder(folder == null ? DEFAULT_FOLDER : folder, isOptional, text, prompt);
        }

        private static @Nullable UnknownFields unknownFields(String text) {
            return switch (text) {
                case "ignore" -> UnknownFields.IGNORE;
                case "refuse" -> UnknownFields.REFUSE;
                default -> null;
            };
        }
    }
}
