package dev.localllm.api.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What {@link Contract} accepts and refuses. */
class ContractTest {

    private static final String UP =
            "{\"status\":\"UP\",\"environment\":\"local\",\"version\":\"1\",\"revision\":\"unknown\"}";
    private static final String CHATS = "/v1/chat/completions";

    private final Contract contract = new Contract(OpenApi.read());

    @Test
    void acceptsWhatIsDocumented() {
        assertAccepted(health(200, headers("application/json"), UP));
        assertAccepted(stream(CHATS, null, ": waiting\n\ndata: [DONE]\n\n"));
        assertAccepted(stream("/v1/responses", null, item("output_item.added", "output_item.added")));
    }

    @Test
    void refusesAnExtraField() {
        assertRefused(
                health(200, headers("application/json"), UP.replace("{", "{\"more\":1,")), "'more' is not defined");
    }

    @Test
    void refusesAnExtraFieldInAnEvent() {
        String event = item("output_item.added", "output_item.added").replace("\"id\"", "\"more\":1,\"id\"");

        assertRefused(stream("/v1/responses", null, event), "/item: ");
    }

    @Test
    void refusesAMissingHeader() {
        HttpHeaders headers = headers("application/json").remove("x-request-id");

        assertRefused(health(200, headers, UP), "the header x-request-id is missing");
    }

    @Test
    void refusesAnUndocumentedHeader() {
        HttpHeaders headers = headers("application/json").add("X-More", "1");

        assertRefused(health(200, headers, UP), "the header is not documented: x-more");
    }

    @Test
    void refusesAnUndocumentedStatus() {
        assertRefused(health(418, headers("application/json"), "{}"), "the status is not documented");
    }

    @Test
    void refusesAnotherContentType() {
        assertRefused(health(200, headers("text/plain"), UP), "the content type is not documented: text/plain");
    }

    @Test
    void refusesALineThatIsNoPartOfAnEvent() {
        assertRefused(stream(CHATS, null, "id: 1\ndata: [DONE]\n\n"), "no line of an event: id: 1");
    }

    @Test
    void refusesAStreamThatIsCutWithinAnEvent() {
        assertRefused(stream(CHATS, null, ": waiting\n\ndata: [DONE]\n"), "the stream ends within an event");
    }

    @Test
    void refusesAnEventOfAnUnknownType() {
        assertRefused(stream("/v1/responses", null, item("unknown", "unknown")), "0 are valid");
    }

    @Test
    void refusesAnEventWithTheNameOfAnother() {
        assertRefused(
                stream("/v1/responses", null, item("output_item.done", "output_item.added")),
                "has another type: response.output_item.done");
    }

    @Test
    void refusesAnAcceptedRequestThatIsNotDocumented() {
        String request = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"seed\":%s}";

        assertAccepted(stream(CHATS, request.formatted("1"), "data: [DONE]\n\n"));
        assertRefused(stream(CHATS, request.formatted("\"1\""), "data: [DONE]\n\n"), "/seed: string found");
    }

    @Test
    void refusesOtherAnswersOutsideOfTheRoutes() {
        String error =
                "{\"error\":{\"message\":\"No.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}";

        assertAccepted(unknown(404, headers("application/json"), error));
        assertRefused(unknown(200, headers("application/json"), error), "the route is not documented");
        assertRefused(unknown(404, headers("text/html"), error), "the content type is not documented: text/html");
        assertRefused(
                unknown(404, headers("application/json").remove("x-request-id"), error),
                "the header x-request-id is missing");
        assertRefused(unknown(404, headers("application/json"), "{}"), "required property 'error' not found");
    }

    private void assertAccepted(Exchange exchange) {
        assertThat(contract.check(exchange)).isEmpty();
    }

    private void assertRefused(Exchange exchange, String mismatch) {
        List<String> found = contract.check(exchange);

        assertThat(found).isNotEmpty();
        assertThat(found.getFirst()).contains(mismatch);
    }

    private static Exchange health(int status, HttpHeaders headers, String body) {
        return new Exchange("GET", "/health", "", status, headers, body, true);
    }

    private static Exchange unknown(int status, HttpHeaders headers, String body) {
        return new Exchange("GET", "/unknown", "", status, headers, body, true);
    }

    private static Exchange stream(String path, @Nullable String request, String events) {
        return new Exchange("POST", path, request, 200, headers("text/event-stream"), events, true);
    }

    private static String item(String name, String type) {
        return "event: response." + name + "\ndata: {\"type\":\"response." + type
                + "\",\"sequence_number\":2,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"m\","
                + "\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n";
    }

    private static HttpHeaders headers(String type) {
        return new DefaultHttpHeaders().add("content-type", type).add("x-request-id", "r1");
    }
}
