package dev.localllm.ollama;

import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Maps Ollama's error responses to failures. Pure. */
final class OllamaFailures {

    private static final int MAX_TEXT = 2000;
    private static final String BAD_TOOL_CALL = "error parsing tool call";
    private static final String CONTEXT_EXCEEDED_TYPE = "exceed_context_size_error";
    private static final List<String> CONTEXT_EXCEEDED_TEXTS = List.of(
            "exceeds the available context size", "longer than the context length", "exceeds the context length");
    private static final List<String> UNSUPPORTED_TEXTS =
            List.of("does not support", "cloud is disabled", "this model is missing data required for image input");

    private static final Pattern CONTEXT_SIZES = Pattern.compile("\\((\\d{1,9}) tokens\\).*\\((\\d{1,9}) tokens\\)");
    private static final Pattern UNSUPPORTED_FEATURE = Pattern.compile("does not support ([a-z ]{1,40})(?=$|[.,;])");

    /** An absolute Unix or Windows path with two or more names. */
    private static final Pattern PATH = Pattern.compile("(?<![\\w.])(?:[A-Za-z]:)?(?:[/\\\\][^/\\\\\\s\"':,;]++){2,}+");

    private OllamaFailures() {}

    /** @param model of the request; empty if the request has none */
    static LlmFailure ofStatus(int status, byte[] body, String model) {
        String error = bounded(errorText(body));
        if (error == null) {
            return status == 503
                    ? new UpstreamUnavailable("Ollama, or a proxy in front of it, takes no requests at the moment.")
                    : notOllama(status);
        }
        if (error.contains(BAD_TOOL_CALL)) {
            return failed(error);
        }
        return switch (status) {
            case 400, 403, 501 -> refusal(error, model);
            case 404 -> new UnknownModel(model);
            case 503 -> new UpstreamUnavailable("Ollama takes no more requests at the moment: " + error);
            default -> failed(error);
        };
    }

    /**
     * A failure of the model server, or of the model: a tool call that Ollama can't parse. That text contains the call, which
     * must not get into the log.
     *
     * @param error Ollama's text, of any length
     */
    static LlmFailure failed(String error) {
        return error.contains(BAD_TOOL_CALL)
                ? new SchemaNotHonoured("its tool call is not JSON")
                : new UpstreamFailed("Ollama failed: " + bounded(error));
    }

    /** The failure in the body of a load that has status 200; null if the model is loaded. */
    static @Nullable LlmFailure ofLoad(byte[] body) {
        OllamaWire.Line line = OllamaJson.read(body, OllamaWire.Line.class);
        if (line != null && line.error() != null) {
            return failed(line.error());
        }
        return line != null && line.done()
                ? null
                : new UpstreamProtocol("Ollama's response to the load of a model is invalid.");
    }

    private static LlmFailure refusal(String error, String model) {
        OllamaWire.RunnerErrorBody inner =
                OllamaJson.read(error.getBytes(StandardCharsets.UTF_8), OllamaWire.RunnerErrorBody.class);
        OllamaWire.RunnerError runner = inner == null ? null : inner.error();
        String text = runner == null || runner.message() == null ? error : runner.message();
        if ((runner != null && CONTEXT_EXCEEDED_TYPE.equals(runner.type()))
                || containsAny(text, CONTEXT_EXCEEDED_TEXTS)) {
            return contextExceeded(text);
        }
        return containsAny(text, UNSUPPORTED_TEXTS)
                ? new UnsupportedByModel(model, unsupported(model, text), text)
                : new InvalidRequest(null, "The model server refused the request: " + withoutPaths(text), text);
    }

    /** Ollama's text has both numbers or none. */
    private static ContextLengthExceeded contextExceeded(String text) {
        Matcher sizes = CONTEXT_SIZES.matcher(text);
        return sizes.find()
                ? new ContextLengthExceeded(
                        "messages", Integer.valueOf(sizes.group(1)), Integer.valueOf(sizes.group(2)), text)
                : new ContextLengthExceeded("messages", null, null, text);
    }

    private static String unsupported(String model, String text) {
        Matcher feature = UNSUPPORTED_FEATURE.matcher(text);
        return "The model '" + model + "' "
                + (feature.find() ? "does not support " + feature.group(1) + "." : "does not support the request.");
    }

    private static String withoutPaths(String text) {
        return PATH.matcher(text).replaceAll("…");
    }

    private static LlmFailure notOllama(int status) {
        return new UpstreamProtocol(
                status == 403
                        ? "Ollama refused the host name of OLLAMA_BASE_URL (expected: an IP address, localhost or a name under .internal or .local)."
                        : "The model server responded with status " + status + " and without Ollama's error text.");
    }

    private static @Nullable String errorText(byte[] body) {
        OllamaWire.ErrorBody parsed = OllamaJson.read(body, OllamaWire.ErrorBody.class);
        return parsed == null ? null : parsed.error();
    }

    private static @Nullable String bounded(@Nullable String text) {
        return text == null || text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "…";
    }

    private static boolean containsAny(String text, List<String> parts) {
        return parts.stream().anyMatch(text::contains);
    }
}
