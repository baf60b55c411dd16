package dev.localllm.api.contract;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The OpenAPI document, as its tests need it. Thread-safe. */
public final class OpenApi {

    /**
     * One method of one path.
     *
     * @param path of a target, without the query
     * @param request JSON pointer to the schema of the body; null without one
     * @param responses by status
     */
    record Operation(
            String name,
            String method,
            Pattern path,
            @Nullable String request,
            Map<Integer, Response> responses) {}

    /**
     * The responses with one status.
     *
     * @param content JSON pointers to the schemas, by content type
     */
    record Response(Map<String, Header> headers, Map<String, String> content) {}

    record Header(boolean required, String schema) {}

    /** The only route that the document leaves out: the files of the page are no API. */
    public static final String PAGE_FILES = "GET /docs/{file}";

    public static final Path FILE = Path.of("src/main/resources/docs/openapi.json");

    private static final String REQUEST = "/requestBody/content/application~1json/schema";
    private static final String ADDRESS = "https://local-llm-server.invalid/openapi.json";

    private final JsonNode document;
    private final SchemaRegistry schemas;
    private final Map<String, Operation> operations = new TreeMap<>();

    private OpenApi(String text) {
        document = JsonMapper.shared().readTree(text);
        schemas = SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12, builder -> builder.schemas(Map.of(ADDRESS, text)));
        document.path("paths")
                .forEachEntry((path, methods) -> methods.forEachEntry((method, operation) -> {
                    String name = method.toUpperCase(Locale.ROOT) + " " + path;
                    operations.put(name, operation(name, path, operation));
                }));
    }

    public static OpenApi read() {
        try {
            return new OpenApi(Files.readString(FILE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** By names such as {@code GET /v1/models/{id}}. */
    public Map<String, ?> operations() {
        return operations;
    }

    /** Names of the fields of each operation's body, in their order. */
    public Map<String, Set<String>> requestFields() {
        Map<String, Set<String>> fields = new LinkedHashMap<>();
        document.path("paths").forEachEntry((path, methods) -> {
            JsonNode body = methods.at("/post" + REQUEST);
            if (!body.isMissingNode()) {
                fields.put(
                        "POST " + path,
                        new TreeSet<>(resolved(body).path("properties").propertyNames()));
            }
        });
        return fields;
    }

    /** A copy of an example of the body of a POST request. */
    public JsonNode exampleOfRequest(String path, boolean stream) {
        String examples = "/paths/" + path.replace("/", "~1") + "/post/requestBody/content/application~1json/examples";
        return document.at(examples + (stream ? "/stream/value" : "/complete/value"))
                .deepCopy();
    }

    /** Each documented response, such as {@code GET /v1/models 200 application/json}. */
    public Set<String> documented() {
        Set<String> documented = new TreeSet<>();
        for (Operation operation : operations.values()) {
            operation.responses.forEach((status, response) -> response.content
                    .keySet()
                    .forEach(type -> documented.add(operation.name + " " + status + " " + type)));
        }
        return documented;
    }

    /** Null if the document has no such operation. */
    @Nullable
    Operation find(String method, String path) {
        Operation found = null;
        for (Operation operation : operations.values()) {
            if (operation.method.equals(method) && operation.path.matcher(path).matches()) {
                boolean isExact = operation.name.equals(method + " " + path);
                found = found == null || isExact ? operation : found;
            }
        }
        return found;
    }

    Response response(String pointer) {
        return response(pointer, at(pointer));
    }

    /** The value at the pointer; what it refers to, if it is a reference. */
    JsonNode at(String pointer) {
        return resolved(document.at(pointer));
    }

    Schema schema(String pointer) {
        return schemas.getSchema(SchemaLocation.of(ADDRESS + "#" + pointer));
    }

    static String pointer(JsonNode reference) {
        return reference.path("$ref").asString().substring(1);
    }

    private JsonNode resolved(JsonNode node) {
        return node.has("$ref") ? document.at(pointer(node)) : node;
    }

    private Operation operation(String name, String path, JsonNode operation) {
        Map<Integer, Response> responses = new TreeMap<>();
        operation.path("responses").forEachEntry((status, response) -> {
            String pointer = response.has("$ref")
                    ? pointer(response)
                    : "/paths/" + path.replace("/", "~1") + "/"
                            + name.substring(0, name.indexOf(' ')).toLowerCase(Locale.ROOT) + "/responses/"
                            + status;
            responses.put(Integer.valueOf(status), response(pointer, resolved(response)));
        });
        String pattern =
                path.replaceAll("\\{id}", ".+").replaceAll("\\{\\w+}", "[^/]+").replace(".json", "\\.json");
        JsonNode body = operation.at(REQUEST);
        return new Operation(
                name,
                name.substring(0, name.indexOf(' ')),
                Pattern.compile(pattern),
                body.isMissingNode() ? null : pointer(body),
                Map.copyOf(responses));
    }

    private Response response(String pointer, JsonNode response) {
        Map<String, Header> headers = new TreeMap<>();
        response.path("headers")
                .forEachEntry((header, reference) -> headers.put(
                        header,
                        new Header(
                                resolved(reference).path("required").asBoolean(false),
                                pointer(reference) + "/schema")));
        Map<String, String> content = new TreeMap<>();
        response.path("content").forEachEntry((type, media) -> {
            JsonNode schema = media.path("schema");
            content.put(
                    type,
                    schema.has("$ref") ? pointer(schema) : pointer + "/content/" + type.replace("/", "~1") + "/schema");
        });
        return new Response(headers, content);
    }
}
