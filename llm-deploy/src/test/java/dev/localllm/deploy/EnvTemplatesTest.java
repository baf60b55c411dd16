package dev.localllm.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The manifest, the templates and the documentation name the same variables and ask for the same ones. */
class EnvTemplatesTest {

    private static final Path ENV = Path.of("env");
    private static final Path DOCUMENTATION = Path.of("../docs/configuration.md");
    private static final List<String> ENVIRONMENTS = List.of("local", "staging", "production");

    @ParameterizedTest
    @ValueSource(strings = {"local", "staging", "production"})
    void templatesHaveEveryVariableOfTheManifestOnceAndInItsOrder(String environment) throws IOException {
        assertThat(variables(environment).map(line -> name(line)))
                .containsExactlyElementsOf(manifest(environment).keySet());
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "staging", "production"})
    void templatesSetWhatIsRequiredAndOnlyShowTheRest(String environment) throws IOException {
        Map<String, String> manifest = manifest(environment);
        assertThat(variables(environment)).allSatisfy(line -> {
            boolean set = !line.startsWith("#");
            boolean required = manifest.get(name(line)).equals("required");
            assertThat(set).as(line).isEqualTo(required || name(line).equals("APP_ENV"));
            assertThat(set && line.endsWith("=")).as(line).isFalse();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "staging", "production"})
    void templatesNeedNoQuotingAndExplainEachVariable(String environment) throws IOException {
        List<String> lines = template(environment);
        assertThat(lines).allSatisfy(line -> assertThat(line).matches("|# .*|#?[A-Z_]+=[^\"' $#]*"));
        for (int i = 1; i < lines.size(); i++) {
            if (lines.get(i).matches("#?[A-Z_]+=.*")) {
                assertThat(lines.get(i - 1)).as(lines.get(i)).startsWith("# ");
            }
        }
    }

    @Test
    void templatesNameTheirEnvironment() throws IOException {
        for (String environment : ENVIRONMENTS) {
            assertThat(template(environment)).contains("APP_ENV=" + environment);
        }
    }

    @Test
    void documentationHasEveryVariableAndSaysWhereItIsRequired() throws IOException {
        Map<String, List<String>> documented = Files.readAllLines(DOCUMENTATION).stream()
                .filter(line -> line.matches("\\| [A-Z_]+ \\|.*"))
                .map(line -> Stream.of(line.split("\\|")).map(String::strip).toList())
                .collect(Collectors.toMap(cells -> cells.get(1), Function.identity()));
        for (int i = 0; i < ENVIRONMENTS.size(); i++) {
            int column = i + 2;
            Map<String, String> manifest = manifest(ENVIRONMENTS.get(i));
            assertThat(documented).containsOnlyKeys(manifest.keySet());
            manifest.forEach(
                    (name, need) -> assertThat(documented.get(name).get(column).equals("required"))
                            .as(name)
                            .isEqualTo(need.equals("required")));
        }
    }

    private static Stream<String> variables(String environment) throws IOException {
        return template(environment).stream().filter(line -> line.matches("#?[A-Z_]+=.*"));
    }

    private static String name(String line) {
        return line.replace("#", "").split("=", 2)[0];
    }

    private static List<String> template(String environment) throws IOException {
        return Files.readAllLines(ENV.resolve(".env." + environment + ".template"));
    }

    /** Variable to need in that environment, in the manifest's order. */
    private static Map<String, String> manifest(String environment) throws IOException {
        List<String> rows = Files.readAllLines(ENV.resolve("manifest.csv"));
        int column = List.of(rows.getFirst().split(",")).indexOf(environment);
        return rows.stream()
                .skip(1)
                .map(row -> row.split(","))
                .collect(Collectors.toMap(row -> row[0], row -> row[column], (a, b) -> a + b, LinkedHashMap::new));
    }
}
