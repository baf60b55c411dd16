package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Client identity, rate limit, concurrency limit and CORS. */
class ClientLimitsTest {

    private static final String PATH = "/v1/chat/completions";
    private static final String BODY = "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();

    @Test
    void chargesAndSendsRateLimitHeaders() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=6", "--RATE_LIMIT_BURST=2");
        HttpResponse<String> first = ask(server, "ann");
        assertThat(first.statusCode()).isEqualTo(200);
        assertThat(header(first, "x-ratelimit-limit-requests")).isEqualTo("2");
        assertThat(header(first, "x-ratelimit-remaining-requests")).isEqualTo("1");
        assertThat(header(first, "x-ratelimit-reset-requests")).isEqualTo("10s");
        assertThat(ask(server, "ann").statusCode()).isEqualTo(200);
        int chats = simulator.chats();

        HttpResponse<String> refused = ask(server, "ann");

        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(error(refused).path("code").asString()).isEqualTo("rate_limit_exceeded");
        assertThat(header(refused, "x-ratelimit-remaining-requests")).isEqualTo("0");
        assertThat(header(refused, "x-ratelimit-reset-requests")).matches("1\\d(\\.\\d+)?s");
        assertThat(Integer.parseInt(header(refused, "retry-after"))).isBetween(1, 10);
        assertThat(Integer.parseInt(header(refused, "retry-after-ms"))).isBetween(1, 10_000);
        assertThat(simulator.chats()).isEqualTo(chats);
        assertThat(ask(server, "bob").statusCode()).isEqualTo(200);
    }

    @Test
    void chargesNothingForHealthModelsAndPreflights() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=1");
        for (int i = 0; i < 5; i++) {
            assertThat(server.get("/health").statusCode()).isEqualTo(200);
            assertThat(server.get("/v1/models").statusCode()).isEqualTo(200);
            assertThat(preflight(server, "http://localhost:3000").statusCode()).isEqualTo(200);
        }
        assertThat(ask(server, "ann").statusCode()).isEqualTo(200);
        assertThat(ask(server, "ann").statusCode()).isEqualTo(429);
    }

    @Test
    void chargesForMalformedRequests() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=6", "--MAX_BODY_SIZE=1KB");
        for (String body : List.of("{}", "{\"messages\":[", "x".repeat(1025))) {
            HttpResponse<String> refused = server.post(PATH, body);
            assertThat(refused.statusCode()).isIn(400, 413);
            assertThat(header(refused, "x-ratelimit-limit-requests")).isEqualTo("6");
        }
        assertThat(header(server.post(PATH, BODY), "x-ratelimit-remaining-requests"))
                .isEqualTo("2");
    }

    @Test
    void refundsARequestForWhichThereIsNoCapacity() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=6", "--MAX_CONCURRENT_REQUESTS=1");
        simulator.script(new Fault.Stalls(1));
        try (RawRequest running = RawRequest.chat(server.uri("/"), true, "Hello")) {
            running.readUntil("data: ");
            for (int i = 0; i < 10; i++) {
                HttpResponse<String> refused = server.post(PATH, BODY);
                assertThat(refused.statusCode()).isEqualTo(503);
                assertThat(header(refused, "x-ratelimit-remaining-requests")).isEqualTo("5");
            }
        }
    }

    @Test
    void limitsAllClientsTogether() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_GLOBAL_RPM=2");
        assertThat(ask(server, "ann").statusCode()).isEqualTo(200);
        assertThat(ask(server, "bob").statusCode()).isEqualTo(200);
        assertThat(ask(server, "cid").statusCode()).isEqualTo(429);
    }

    @Test
    void ignoresTheHeaderOfAnUntrustedPeer() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=1", "--TRUSTED_PROXIES=10.0.0.0/8");
        assertThat(ask(server, "ann").statusCode()).isEqualTo(200);
        assertThat(ask(server, "bob").statusCode()).isEqualTo(429);
    }

    @Test
    void usesTheConfiguredHeaderOnly() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=1", "--CLIENT_ID_HEADER=CF-Connecting-IP");
        assertThat(named(server, "X-Client-Id", "ann").statusCode()).isEqualTo(200);
        assertThat(named(server, "X-Client-Id", "bob").statusCode()).isEqualTo(429);
        assertThat(named(server, "X-Forwarded-For", "192.0.2.1").statusCode()).isEqualTo(429);

        assertThat(named(server, "CF-Connecting-IP", "192.0.2.1").statusCode()).isEqualTo(200);
        assertThat(named(server, "CF-Connecting-IP", "192.0.2.1").statusCode()).isEqualTo(429);
        assertThat(named(server, "CF-Connecting-IP", "2001:db8:0:1::1").statusCode())
                .isEqualTo(200);
        assertThat(named(server, "CF-Connecting-IP", "2001:db8:0:1::2").statusCode())
                .as("the same /64")
                .isEqualTo(429);
    }

    @Test
    void ignoresAHeaderWithTwoValues() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=1");
        for (int i = 0; i < 2; i++) {
            HttpResponse<String> response =
                    server.send(request(server).header("X-Client-Id", "own" + i).header("X-Client-Id", "proxys"));
            assertThat(response.statusCode()).isEqualTo(i == 0 ? 200 : 429);
        }
    }

    @Test
    void refusesRequestsAboveTheConcurrencyLimit() throws Exception {
        TestServer server = SERVERS.server("--MAX_CONCURRENT_REQUESTS=1");
        simulator.script(new Fault.Stalls(1));
        try (RawRequest running = RawRequest.chat(server.uri("/"), true, "Hello")) {
            running.readUntil("data: ");

            HttpResponse<String> refused = ask(server, "ann");

            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(error(refused).path("code").asString()).isEqualTo("overloaded");
            assertThat(header(refused, "retry-after")).isNotBlank();
        }
        SERVERS.awaitOpen(0);
        assertThat(ask(server, "ann").statusCode()).isEqualTo(200);
    }

    @Test
    void sendsCorsHeadersToListedOrigins() throws Exception {
        TestServer server = SERVERS.server("--ALLOWED_ORIGINS=https://app.example.com,http://localhost:3000");
        HttpResponse<String> preflight = preflight(server, "https://app.example.com");
        assertThat(preflight.statusCode()).isEqualTo(200);
        assertThat(header(preflight, "access-control-allow-origin")).isEqualTo("https://app.example.com");
        assertThat(header(preflight, "access-control-allow-methods")).contains("POST");
        assertThat(header(preflight, "access-control-allow-headers")).isEqualToIgnoringCase("content-type, x-mine");

        HttpResponse<String> answer = from(server, "https://app.example.com");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "access-control-allow-origin")).isEqualTo("https://app.example.com");
        assertThat(header(answer, "vary")).contains("Origin");
        assertThat(header(answer, "access-control-expose-headers"))
                .contains("x-request-id", "Retry-After", "retry-after-ms", "x-ratelimit-remaining-requests");
        assertThat(answer.headers().firstValue("access-control-allow-credentials"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "https://evil.example.com",
        "https://app.example.com.evil.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com/",
        "HTTPS://APP.EXAMPLE.COM",
        "null"
    })
    void generatesNothingForOtherOrigins(String origin) throws Exception {
        TestServer server = SERVERS.server("--ALLOWED_ORIGINS=https://app.example.com");
        int chats = simulator.chats();
        for (HttpResponse<String> refused : List.of(from(server, origin), preflight(server, origin))) {
            assertThat(refused.statusCode()).isEqualTo(403);
            assertThat(error(refused).path("message").asString()).contains("ALLOWED_ORIGINS");
            assertThat(refused.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control-"));
            assertThat(header(refused, "vary")).contains("Origin");
        }
        assertThat(simulator.chats()).isEqualTo(chats);
        assertThat(ask(server, "ann").statusCode()).isEqualTo(200);
        assertThat(ask(server, "ann").headers().map().keySet()).noneMatch(name -> name.startsWith("access-control-"));
    }

    @Test
    void explainsRefusedPreflights() throws Exception {
        TestServer server = SERVERS.server();
        HttpResponse<String> refused = server.send(HttpRequest.newBuilder(server.uri(PATH))
                .header("Origin", "http://localhost:3000")
                .DELETE());

        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(error(refused).path("message").asString()).contains("method").doesNotContain("ALLOWED_ORIGINS");
    }

    @Test
    void refusesUnlistedPagesOfItsOwnHost() throws Exception {
        TestServer server = SERVERS.server("--ALLOWED_ORIGINS=https://app.example.com", "--SERVER_ADDRESS=0.0.0.0");
        int chats = simulator.chats();
        try (RawRequest rebound = RawRequest.open(server.uri("/"))) {
            rebound.send(RawRequest.chat(false, "Hi")
                    .replace("Host: localhost", "Host: evil.example.com\r\nOrigin: http://evil.example.com"));

            assertThat(rebound.readAll()).startsWith("HTTP/1.1 403").contains("ALLOWED_ORIGINS");
            assertThat(simulator.chats()).isEqualTo(chats);
        }
    }

    private static HttpResponse<String> ask(TestServer server, String client) throws Exception {
        return named(server, "X-Client-Id", client);
    }

    private static HttpResponse<String> named(TestServer server, String header, String client) throws Exception {
        return server.send(request(server).header(header, client));
    }

    private static HttpResponse<String> from(TestServer server, String origin) throws Exception {
        return server.send(request(server).header("Origin", origin));
    }

    private static HttpRequest.Builder request(TestServer server) {
        return HttpRequest.newBuilder(server.uri(PATH))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(BODY));
    }

    private static HttpResponse<String> preflight(TestServer server, String origin) throws Exception {
        return server.send(HttpRequest.newBuilder(server.uri(PATH))
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "content-type, x-mine"));
    }

    private static String header(HttpResponse<String> response, String name) {
        return String.join(", ", response.headers().allValues(name));
    }

    private static JsonNode error(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body()).path("error");
    }
}
