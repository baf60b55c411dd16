package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Bodies with an image, almost as large as the default of MAX_BODY_SIZE permits, one and many at once. */
@Timeout(120)
class LargeImageTest {

    private static final int IMAGE_BYTES = 5_900_000;
    private static final int REQUESTS = 24;
    private static final byte[] START = Base64.getDecoder().decode("iVBORw0KGgoAAAANSUhEUgAAAAE=");

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final TestServer server = SERVERS.server();

    @Test
    void reachesTheModelServer() throws Exception {
        HttpResponse<String> response = server.post("/v1/chat/completions", body());

        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(response.body()).contains("I see 1 image (" + IMAGE_BYTES + " bytes).");
    }

    @Test
    void isServedOrRefusedIfThereAreMany() throws Exception {
        TestServer narrow = SERVERS.server("--BODY_BUDGET=32MB");
        String body = body();
        List<Future<HttpResponse<String>>> answers = new ArrayList<>();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < REQUESTS; i++) {
                answers.add(clients.submit(() -> narrow.post("/v1/chat/completions", body)));
            }
        }
        List<Integer> statuses = new ArrayList<>();
        for (Future<HttpResponse<String>> answer : answers) {
            statuses.add(answer.get().statusCode());
        }

        System.out.println("LargeImageTest: statuses " + statuses);
        assertThat(statuses).contains(503).isSubsetOf(200, 503);
        assertThat(narrow.post("/v1/chat/completions", body).statusCode()).isEqualTo(200);
    }

    private static String body() {
        byte[] image = new byte[IMAGE_BYTES];
        System.arraycopy(START, 0, image, 0, START.length);
        return "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,"
                + Base64.getEncoder().encodeToString(image) + "\"}}]}]}";
    }
}
