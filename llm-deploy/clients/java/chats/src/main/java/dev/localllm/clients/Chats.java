package dev.localllm.clients;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.List;

/** The servers, what to ask them, and what the simulator answers: what chats.mjs says. */
public final class Chats {

    public static final String URL = System.getenv("CHAT_SERVER") + "/v1";
    public static final String LIMITED_URL = System.getenv("CHAT_LIMITED") + "/v1";

    public static final String SHORT = System.getenv("CHAT_SHORT");
    public static final String LONG = System.getenv("CHAT_LONG");
    public static final String TOO_LONG = System.getenv("CHAT_TOO_LONG");

    public static final String WEATHER = System.getenv("CHAT_WEATHER");
    public static final List<String> CITIES = Collections.nCopies(10, "Paris");
    public static final int FORECAST = Integer.parseInt(System.getenv("CHAT_FORECAST"));
    public static final String REPORT = System.getenv("CHAT_REPORT");

    public static final String EVENT = System.getenv("CHAT_EVENT");
    public static final String IMAGE = System.getenv("CHAT_IMAGE");
    public static final String SEEN = System.getenv("CHAT_SEEN");

    private Chats() {}

    /** An invalid chat costs as much as a valid one. */
    public static void useUpRateLimit(String client) throws IOException, InterruptedException {
        HttpRequest chat = HttpRequest.newBuilder(URI.create(LIMITED_URL + "/chat/completions"))
                .header("Content-Type", "application/json")
                .header("X-Client-Id", client)
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            http.send(chat, HttpResponse.BodyHandlers.discarding());
        }
    }
}
