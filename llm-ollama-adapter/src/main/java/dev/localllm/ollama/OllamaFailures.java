package dev.localllm.ollama;

import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.timeout.ReadTimeoutException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.netty.channel.AbortedException;

/** What Ollama's refusals and the network's faults mean. Pure. */
final class OllamaFailures {

    private static final int MAX_TEXT = 2000;
    private static final String CONTEXT_EXCEEDED_TYPE = "exceed_context_size_error";
    private static final List<String> CONTEXT_EXCEEDED_TEXTS = List.of(
            "exceeds the available context size", "longer than the context length", "exceeds the context length");
    private static final List<String> UNSUPPORTED_TEXTS =
            List.of("does not support", "cloud is disabled", "this model is missing data required for image input");

    private static final Pattern CONTEXT_SIZES = Pattern.compile("\\((\\d+) tokens\\).*\\((\\d+) tokens\\)");
    private static final Pattern UNSUPPORTED_FEATURE = Pattern.compile("does not support ([a-z ]{1,40})(?=$|[.,;])");

    /** An absolute path of a Unix or Windows system, two names deep or more. */
    private static final Pattern PATH = Pattern.compile("(?<![\\w.])(?:[A-Za-z]:)?(?:[/\\\\][^/\\\\\\s\"':,;]++){2,}+");

    private static final String NO_ROUTE = "Ollama can't be reached: no route to its host.";
    private static final String BROKEN = "The connection to Ollama broke before the answer was done.";

    private OllamaFailures() {}

    /** @param model that was asked for; empty where none was */
    static LlmFailure ofStatus(int status, byte[] body, String model) {
        String error = bounded(errorText(body));
        if (error == null) {
            return status == 503
                    ? new UpstreamUnavailable("Ollama, or a proxy before it, takes no work at the moment.")
                    : notOllama(status);
        }
        return switch (status) {
            case 400, 403, 501 -> refusal(error, model);
            case 404 -> new UnknownModel(model);
            case 503 -> new UpstreamUnavailable("Ollama takes no more work at the moment: " + error);
            default -> new UpstreamFailed("Ollama failed: " + error);
        };
    }

    /** The failure that an exchange ended with; what is none of the network's is returned as it is. */
    static Throwable ofThrowable(Throwable fault) {
        LlmFailure failure = switch (fault) {
            case ConnectTimeoutException e ->
                new DeadlineExceeded(Deadline.CONNECT, "Ollama can't be reached: connecting took too long.");
            case ReadTimeoutException e -> new UpstreamUnavailable("Ollama doesn't answer.");
            case TimeoutException e -> new UpstreamUnavailable("All connections to Ollama are in use.");
            case ConnectException e -> new UpstreamUnavailable("Ollama can't be reached: connection refused.");
            case NoRouteToHostException e -> new UpstreamUnavailable(NO_ROUTE);
            case SocketException e
            when String.valueOf(e.getMessage()).contains("unreachable") -> new UpstreamUnavailable(NO_ROUTE);
            case UnknownHostException e -> new UpstreamUnavailable("Ollama can't be reached: unknown host.");
            case DecoderException e -> new UpstreamProtocol("Ollama's answer is not HTTP.");
            case IllegalArgumentException e -> // how Netty tells of a status line or a chunk size that is none
                new UpstreamProtocol("Ollama's answer is not HTTP.");
            case AbortedException e -> new UpstreamProtocol(BROKEN);
            case IOException e -> new UpstreamProtocol(BROKEN);
            default -> null;
        };
        return failure == null ? fault : new LlmException(failure);
    }

    private static LlmFailure refusal(String error, String model) {
        OllamaWire.RunnerErrorBody inner =
                OllamaJson.read(error.getBytes(StandardCharsets.UTF_8), OllamaWire.RunnerErrorBody.class);
        OllamaWire.RunnerError runner = inner == null ? null : inner.error();
        String text = runner == null || runner.message() == null ? error : runner.message();
        if ((runner != null && CONTEXT_EXCEEDED_TYPE.equals(runner.type()))
                || containsAny(text, CONTEXT_EXCEEDED_TEXTS)) {
            return new ContextLengthExceeded(contextExceeded(text), text);
        }
        return containsAny(text, UNSUPPORTED_TEXTS)
                ? new UnsupportedByModel(model, unsupported(model, text), text)
                : new InvalidRequest(null, "The model server refused the request: " + withoutPaths(text), text);
    }

    /** Without the advice that follows in Ollama's text: it is meant for operators. */
    private static String contextExceeded(String text) {
        Matcher sizes = CONTEXT_SIZES.matcher(text);
        return sizes.find()
                ? "The prompt has " + sizes.group(1) + " tokens (expected: at most " + sizes.group(2) + ")."
                : "The prompt is longer than the model's context.";
    }

    private static String unsupported(String model, String text) {
        Matcher feature = UNSUPPORTED_FEATURE.matcher(text);
        return "The model '" + model + "' "
                + (feature.find() ? "does not support " + feature.group(1) + "." : "can't do what was asked of it.");
    }

    private static String withoutPaths(String text) {
        return PATH.matcher(text).replaceAll("…");
    }

    private static LlmFailure notOllama(int status) {
        return new UpstreamProtocol(
                status == 403
                        ? "Ollama refused the host name it was called by (OLLAMA_BASE_URL; expected: an IP address, localhost or a name under .internal or .local)."
                        : "The model server answered with status " + status + " and no error text of Ollama's.");
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
