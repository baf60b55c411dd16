package dev.localllm.api.logging;

/**
 * Names of an event's key-values: those of the Elastic Common Schema (ECS) where it has one, OpenTelemetry's for models
 * and tokens, {@code llm.*} for the rest. No name is the beginning of another one's path: a program may nest them.
 */
public final class LogFields {

    public static final String REQUEST_ID = "http.request.id";
    public static final String CLIENT = "user.hash";
    public static final String METHOD = "http.request.method";
    public static final String PATH = "url.path";
    public static final String STATUS = "http.response.status_code";
    public static final String OUTCOME = "event.outcome";

    /** Nanoseconds. */
    public static final String DURATION = "event.duration";

    public static final String ERROR_CODE = "error.code";
    public static final String MODEL = "gen_ai.request.model";
    public static final String INPUT_TOKENS = "gen_ai.usage.input_tokens";
    public static final String OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
    public static final String CACHED_TOKENS = "llm.cached_tokens";
    public static final String END = "llm.end";
    public static final String PREPARE_MS = "llm.prepare_ms";
    public static final String FIRST_MS = "llm.first_ms";
    public static final String QUEUE_MS = "llm.queue_ms";
    public static final String LOAD_MS = "llm.load_ms";
    public static final String GPU_MS = "llm.gpu_ms";
    public static final String PROMPT_MS = "llm.prompt_ms";
    public static final String GENERATION_MS = "llm.generation_ms";
    public static final String EVENTS = "llm.events";
    public static final String IGNORED_FIELDS = "llm.ignored_fields";
    public static final String SCHEMA_MISMATCH = "llm.schema_mismatch";
    public static final String DETAIL = "llm.detail";

    private LogFields() {}
}
