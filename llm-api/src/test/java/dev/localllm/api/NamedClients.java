package dev.localllm.api;

import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;

/** Clients that a trusted proxy would name. They share connections. */
final class NamedClients implements AutoCloseable {

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI uri;

    /** @param server its root */
    NamedClients(URI server) {
        uri = server.resolve("/v1/chat/completions");
    }

    /** A stream with that many tokens, from the first chat model. */
    static String body(int tokens) {
        return body(OllamaSimulator.CHAT_MODEL, tokens);
    }

    static String body(String model, int tokens) {
        return "{\"model\":\"" + model + "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Answer in "
                + tokens + " tokens\"}]}";
    }

    /** Completes at the end of the response. */
    CompletableFuture<HttpResponse<String>> post(String client, String body) {
        return http.sendAsync(
                HttpRequest.newBuilder(uri)
                        .header("Content-Type", "application/json")
                        .header("X-Client-Id", client)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }
}
