package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.contract.OpenApi;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.result.method.RequestMappingInfo;
import org.springframework.web.reactive.result.method.RequestMappingInfoHandlerMapping;

/** The OpenAPI document and its page. That responses match the document is checked by {@link TestServer}. */
class DocsTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final Path COMPATIBILITY = Path.of("../docs/compatibility.md");
    private static final Pattern LINK = Pattern.compile("(?:src|href)=\"([^\"]+)\"");

    private final TestServer server = SERVERS.server();

    @Test
    void servesTheDocumentAsItIs() throws Exception {
        HttpResponse<String> document = server.get("/openapi.json");

        assertThat(document.statusCode()).isEqualTo(200);
        assertThat(document.headers().firstValue("content-type")).contains("application/json");
        assertThat(document.body()).isEqualTo(Files.readString(OpenApi.FILE));
    }

    @Test
    void servesEachFileThatThePageNames() throws Exception {
        HttpResponse<String> page = server.get("/docs");
        List<String> links = found(LINK, page.body());

        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(links).hasSize(5).allMatch(link -> link.startsWith("/docs/"));
        for (String link : links) {
            HttpResponse<String> file = server.get(link);
            assertThat(file.statusCode()).as(link).isEqualTo(200);
            assertThat(file.body()).as(link).isNotEmpty();
            assertThat(file.headers().firstValue("cache-control"))
                    .as(link)
                    .contains(link.startsWith("/docs/docs.") ? "no-cache" : "max-age=3600");
        }
    }

    /** Also the initializer of the webjar, which loads a document from elsewhere. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/docs/swagger-initializer.js",
                "/docs/index.html",
                "/docs/openapi.json",
                "/docs/..%2fapplication.yaml",
                "/docs/a/b",
                "/docs/",
                "/swagger-ui/index.html",
                "/webjars/swagger-ui/index.html"
            })
    void servesNoOtherFile(String path) throws Exception {
        assertThat(server.get(path).statusCode()).isEqualTo(404);
    }

    @Test
    void letsThePageLoadItsOwnFilesOnly() throws Exception {
        for (String path : List.of("/docs", "/docs/docs.js", "/docs/swagger-ui.css")) {
            Map<String, List<String>> headers = server.get(path).headers().map();
            assertThat(headers.get("content-security-policy"))
                    .as(path)
                    .containsExactly("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
            assertThat(headers.get("x-content-type-options")).as(path).containsExactly("nosniff");
            assertThat(headers.get("referrer-policy")).as(path).containsExactly("no-referrer");
        }
    }

    @Test
    void isFreeOfRateLimits() throws Exception {
        TestServer limited = SERVERS.server("--RATE_LIMIT_RPM=1");
        for (int i = 0; i < 3; i++) {
            assertThat(limited.get("/openapi.json").statusCode()).isEqualTo(200);
            assertThat(limited.get("/docs").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void isAbsentIfSwitchedOff() throws Exception {
        TestServer without = SERVERS.server("--API_DOCS=off");
        String unknown = without.get("/unknown").body();
        for (String path : List.of("/openapi.json", "/docs", "/docs/docs.js")) {
            HttpResponse<String> response = without.get(path);
            assertThat(response.statusCode()).as(path).isEqualTo(404);
            assertThat(response.body()).isEqualTo(unknown.replace("/unknown", path));
        }
        assertThat(without.context().getBeanDefinitionNames()).noneMatch(name -> name.startsWith("docs"));
        assertThat(server.context().getBeanDefinitionNames()).anyMatch(name -> name.startsWith("docs"));
    }

    @ParameterizedTest
    @CsvSource({
        "on, localhost:8000, http://localhost:8000, 200",
        "on, 127.0.0.1:8000, http://127.0.0.1:8000, 200",
        "on, [::1]:8000, http://[::1]:8000, 200",
        "on, localhost:8000, http://localhost:8001, 403",
        "on, localhost:8000, https://localhost:8000, 403",
        "on, host.docker.internal:8000, http://host.docker.internal:8000, 403",
        "on, evil.example.com, http://evil.example.com, 403",
        "off, localhost:8000, http://localhost:8000, 403"
    })
    void letsItsPageCallOnLoopback(String docs, String host, String origin, int status) throws Exception {
        TestServer server = SERVERS.server("--API_DOCS=" + docs, "--SERVER_ADDRESS=0.0.0.0");
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            request.send(
                    RawRequest.chat(false, "Hi").replace("Host: localhost", "Host: " + host + "\r\nOrigin: " + origin));

            assertThat(request.readAll()).startsWith("HTTP/1.1 " + status);
        }
    }

    @Test
    void documentsEachRouteAndNoOther() {
        Map<String, HandlerMapping> others = new TreeMap<>(server.context().getBeansOfType(HandlerMapping.class));
        Set<String> served = new TreeSet<>();
        server.context().getBeansOfType(RequestMappingInfoHandlerMapping.class).forEach((name, mapping) -> {
            others.remove(name);
            mapping.getHandlerMethods().keySet().forEach(route -> served.addAll(names(route)));
        });

        assertThat(served.remove(OpenApi.PAGE_FILES)).isTrue();
        assertThat(OpenApi.read().operations().keySet()).isEqualTo(served);
        assertThat(others.keySet()).containsExactly("resourceHandlerMapping", "routerFunctionMapping"); // both empty
        assertThat(server.context().getBeansOfType(RouterFunction.class)).isEmpty();
    }

    private static List<String> names(RequestMappingInfo route) {
        return route.getPatternsCondition().getPatterns().stream()
                .map(path -> path.getPatternString().replace("{*", "{"))
                .flatMap(path ->
                        route.getMethodsCondition().getMethods().stream().map(method -> method + " " + path))
                .toList();
    }

    /** Those that compatibility.md, which is made of the readers' rules, says of the bodies. */
    @Test
    void documentsTheFieldsOfEachRequest() throws Exception {
        Map<String, Set<String>> fields = new LinkedHashMap<>();
        for (String section : Files.readString(COMPATIBILITY).split("\n## ", -1)) {
            if (section.startsWith("POST ")) {
                String body = section.substring(section.indexOf("**Body**")).split("\n\n", -1)[1];
                Set<String> taken = new TreeSet<>();
                for (List<String> row : rows(body)) {
                    if (!List.of("refused", "ignored").contains(row.get(1))) {
                        taken.add(row.get(0));
                    }
                }
                fields.put(section.substring(0, section.indexOf('\n')), taken);
            }
        }

        assertThat(fields).hasSize(4);
        assertThat(OpenApi.read().requestFields()).isEqualTo(fields);
    }

    private static List<List<String>> rows(String table) {
        List<List<String>> rows = new ArrayList<>();
        Pattern.compile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|")
                .matcher(table)
                .results()
                .forEach(row -> rows.add(List.of(row.group(1), row.group(2))));
        return rows;
    }

    private static List<String> found(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
    }
}
