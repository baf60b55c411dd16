package dev.localllm.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The example files and the table in docs/configuration.md are made of the manifest, and say nothing else. To write them
 * again: {@code ./mvnw -pl llm-deploy -am verify -Denv.write=true}, then read the diff. That the server reads these
 * variables and has these defaults, SettingsTest shows.
 */
class EnvManifestTest {

    private static final Path DOCUMENTATION = Path.of("../docs/configuration.md");
    private static final Path README = Path.of("../README.md");
    private static final String BEGIN = "<!-- written by EnvManifestTest -->\n";
    private static final String END = "<!-- end -->";

    @Test
    void everyRowIsWellFormed() throws IOException {
        List<EnvManifest.Row> rows = EnvManifest.rows();
        assertThat(rows).extracting(EnvManifest.Row::name).doesNotHaveDuplicates();
        assertThat(rows).allSatisfy(row -> {
            assertThat(row.name()).matches("[A-Z][A-Z0-9_]*");
            assertThat(row.kind()).isIn("secret", "variable");
            assertThat(row.readBy()).isIn("server", "deploy");
            assertThat(row.meaning()).isNotBlank();
            for (String environment : EnvManifest.ENVIRONMENTS) {
                assertThat(row.cell(environment)).as(row.name()).matches("-|(required )?`[^`]+`|(?!required)[^`]+");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "staging", "production"})
    void examplesSayWhatTheManifestSays(String environment) throws IOException {
        isOrBecomes(Path.of("env/.env." + environment + ".example"), EnvManifest.example(environment));
    }

    @Test
    void documentationSaysWhatTheManifestSays() throws IOException {
        String document = Files.readString(DOCUMENTATION);
        int from = document.indexOf(BEGIN) + BEGIN.length();
        int to = document.indexOf(END);
        isOrBecomes(DOCUMENTATION, document.substring(0, from) + EnvManifest.table() + document.substring(to));
    }

    @Test
    void readmeNamesSettingsOfTheManifest() throws IOException {
        assertThat(found("(?m)^\\| `([A-Z_]+)` \\|", Files.readString(README)))
                .isNotEmpty()
                .allMatch(known());
    }

    /** What Compose and the image set, a file of settings can't, or must say the same. */
    @ParameterizedTest
    @ValueSource(strings = {"staging", "production"})
    void whatIsSetElsewhereIsNoSettingOfAFile(String environment) throws IOException {
        String server = Files.readString(Path.of("compose/server.yaml"));
        Stream<String> byCompose = found("(?m)^ {6}([A-Z_]+): ", server);
        Stream<String> byImage = found("(?m)^ENV ([A-Z_]+)=", Files.readString(Path.of("Dockerfile")));
        assertThat(Stream.concat(byCompose, byImage))
                .containsExactlyInAnyOrder("APP_ENV", "TRUSTED_PROXIES", "APP_REVISION", "SERVER_ADDRESS")
                .allSatisfy(name -> assertThat(EnvManifest.rows())
                        .filteredOn(row -> row.name().equals(name))
                        .extracting(row -> row.cell(environment))
                        .first()
                        .isIn("-", "required `" + environment + "`"));
    }

    /** The label of the server's container, which {@code llm-deploy plan} compares with that of the live release. */
    @ParameterizedTest
    @ValueSource(strings = {"staging", "production"})
    void composeSaysTheDefaultClientHeader(String environment) throws IOException {
        String header = DeployFiles.valueIn("compose/server.yaml", "^ {6}dev\\.localllm\\.client-id-header: (.*)$");
        assertThat(EnvManifest.rows())
                .filteredOn(row -> row.name().equals("CLIENT_ID_HEADER"))
                .extracting(row -> row.cell(environment))
                .containsExactly("`" + header + "`");
    }

    @Test
    void namesEachEnvironmentInItsComposeFiles() throws IOException {
        for (String environment : List.of("staging", "production")) {
            assertThat(Files.readAllLines(Path.of("compose/" + environment + ".env")))
                    .contains("ENVIRONMENT=" + environment);
        }
        assertThat(Files.readString(Path.of("../compose.yaml")))
                .contains("environment: {APP_ENV: local, SERVER_ADDRESS: 0.0.0.0}");
    }

    private static Predicate<String> known() throws IOException {
        return EnvManifest.rows().stream().map(EnvManifest.Row::name).toList()::contains;
    }

    private static Stream<String> found(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map((MatchResult found) -> found.group(1));
    }

    private static void isOrBecomes(Path file, String expected) throws IOException {
        if (Boolean.getBoolean("env.write")) {
            Files.writeString(file, expected);
        }
        assertThat(file).hasContent(expected);
    }
}
