package dev.localllm.api.contract;

import com.networknt.schema.Error;
import dev.localllm.api.contract.OpenApi.Operation;
import dev.localllm.api.contract.OpenApi.Response;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.StringNode;

/** Checks responses, and the requests that were accepted, against the document. Thread-safe. */
final class Contract {

    /** Any request may get these, whatever its path: there is no such route, or the request line can't be read. */
    private static final Set<Integer> OUTSIDE = Set.of(400, 403, 404, 405, 408, 414, 431);

    /** It has the headers and the content of all of them. */
    private static final String OUTSIDE_RESPONSE = "/components/responses/MalformedRequest";

    private static final String EVENTS = "text/event-stream";
    private static final String DONE = "[DONE]";

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final OpenApi document;

    Contract(OpenApi document) {
        this.document = document;
    }

    /** What does not match; empty if the response is as documented, and a request with the status 200 is, too. */
    List<String> check(Exchange exchange) {
        boolean isHead = exchange.method().equals("HEAD");
        Operation operation = document.find(isHead ? "GET" : exchange.method(), exchange.path());
        List<String> mismatches = new ArrayList<>();
        if (operation == null) {
            checkOutside(exchange, mismatches);
            return mismatches;
        }
        Response response = operation.responses().get(exchange.status());
        if (response == null) {
            return List.of("the status is not documented: " + exchange.body());
        }
        check(exchange, response, mismatches);
        if (exchange.status() == 200 && operation.request() != null && exchange.request() != null) {
            checkJson(exchange.request(), operation.request(), "accepted request", mismatches);
        }
        return mismatches;
    }

    private void checkOutside(Exchange exchange, List<String> mismatches) {
        if (exchange.method().equals("OPTIONS") && exchange.status() == 200) {
            return; // CORS, or the allowed methods: without a body
        }
        if (exchange.path().startsWith("/docs/") && exchange.status() == 200) {
            return; // OpenApi.PAGE_FILES
        }
        if (OUTSIDE.contains(exchange.status())) {
            check(exchange, document.response(OUTSIDE_RESPONSE), mismatches);
        } else {
            mismatches.add("the route is not documented");
        }
    }

    private void check(Exchange exchange, Response response, List<String> mismatches) {
        checkHeaders(exchange, response, mismatches);
        String schema = response.content().get(exchange.contentType());
        if (schema == null) {
            mismatches.add("the content type is not documented: " + exchange.contentType());
        } else if (!exchange.method().equals("HEAD")) {
            checkBody(exchange, schema, mismatches);
        }
    }

    private void checkHeaders(Exchange exchange, Response response, List<String> mismatches) {
        response.headers().forEach((name, header) -> {
            String value = exchange.headers().get(name);
            if (value != null) {
                check(StringNode.valueOf(value), header.schema(), "header " + name, mismatches);
            } else if (header.required()) {
                mismatches.add("the header " + name + " is missing");
            }
        });
        for (Map.Entry<String, String> header : exchange.headers()) {
            String name = header.getKey().toLowerCase(Locale.ROOT);
            boolean isOurs = name.startsWith("x-") || name.startsWith("retry-");
            if (isOurs && !response.headers().containsKey(name)) {
                mismatches.add("the header is not documented: " + name);
            }
        }
    }

    private void checkBody(Exchange exchange, String schema, List<String> mismatches) {
        switch (exchange.contentType()) {
            case EVENTS -> checkEvents(exchange, schema, mismatches);
            case "application/json" -> {
                if (exchange.isComplete()) {
                    checkJson(exchange.body(), schema, "body", mismatches);
                }
            }
            default -> {} // files of the page
        }
    }

    /** One event is the lines before an empty one. The last lines of an incomplete body are no event. */
    private void checkEvents(Exchange exchange, String schema, List<String> mismatches) {
        String[] events = exchange.body().split("\n\n", -1);
        for (int i = 0; i < events.length - 1 && mismatches.isEmpty(); i++) {
            checkEvent(events[i], schema, mismatches);
        }
        if (exchange.isComplete() && !events[events.length - 1].isEmpty()) {
            mismatches.add("the stream ends within an event: " + events[events.length - 1]);
        }
    }

    private void checkEvent(String event, String schema, List<String> mismatches) {
        String type = null;
        String data = null;
        for (String line : event.split("\n", -1)) {
            if (line.startsWith("data: ") && data == null) {
                data = line.substring("data: ".length());
            } else if (line.startsWith("event: ") && type == null) {
                type = line.substring("event: ".length());
            } else if (!line.startsWith(":")) {
                mismatches.add("no line of an event: " + line);
            }
        }
        if (data == null) {
            return; // a comment
        }
        JsonNode json = DONE.equals(data) ? StringNode.valueOf(DONE) : json(data, "event", mismatches);
        if (json != null) {
            check(json, schema, "event " + data, mismatches);
            if (type != null && !type.equals(json.path("type").asString(""))) {
                mismatches.add("event " + data + " has another type: " + type);
            }
        }
    }

    private void checkJson(String text, String schema, String what, List<String> mismatches) {
        JsonNode json = json(text, what, mismatches);
        if (json != null) {
            check(json, schema, what + " " + text, mismatches);
        }
    }

    private static @Nullable JsonNode json(String text, String what, List<String> mismatches) {
        try {
            return MAPPER.readTree(text);
        } catch (JacksonException e) {
            mismatches.add(what + " is no JSON: " + e.getOriginalMessage() + ": " + text);
            return null;
        }
    }

    private void check(JsonNode json, String pointer, String what, List<String> mismatches) {
        Stream<String> choices = choices(document.at(pointer), pointer, json);
        List<Error> fewest = choices.map(choice -> document.schema(choice).validate(json))
                .min(Comparator.comparingInt(List::size))
                .orElseThrow();
        fewest.forEach(error -> mismatches.add(error + " in " + shortened(what)));
    }

    /** The schema that the discriminator names, or each of the alternatives, so that errors are about the right one. */
    private static Stream<String> choices(JsonNode schema, String pointer, JsonNode json) {
        JsonNode discriminator = schema.path("discriminator");
        if (!discriminator.isMissingNode()) {
            String value =
                    json.path(discriminator.path("propertyName").asString()).asString("");
            String chosen = discriminator.path("mapping").path(value).asString("");
            return Stream.of(chosen.isEmpty() ? pointer : chosen.substring(1));
        }
        JsonNode alternatives = schema.path("anyOf");
        return alternatives.isEmpty()
                ? Stream.of(pointer)
                : alternatives
                        .valueStream()
                        .map(alternative -> alternative.has("$ref") ? OpenApi.pointer(alternative) : pointer);
    }

    private static String shortened(String text) {
        return text.length() <= 2000 ? text : text.substring(0, 2000) + "…";
    }
}
