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

/** README, Compose and the image agree with the manifest. */
class EnvManifestTest {

    private static final Path README = Path.of("../README.md");

    @Test
    void readmeNamesSettingsOfTheManifest() throws IOException {
        assertThat(found("(?m)^\\| `([A-Z_]+)` \\|", Files.readString(README)))
                .isNotEmpty()
                .allMatch(known());
    }

    /** An env file can't set a variable that Compose or the image sets, or must set the same value. */
    @ParameterizedTest
    @ValueSource(strings = {"staging", "production"})
    void envFilesDoNotOverrideComposeAndTheImage(String environment) throws IOException {
        String server = Files.readString(Path.of("compose/server.yaml"));
        Stream<String> byCompose = found("(?m)^ {6}([A-Z_]+): ", server);
        Stream<String> byImage = found("(?m)^ENV ([A-Z_]+)=", Files.readString(Path.of("Dockerfile")));
        assertThat(Stream.concat(byCompose, byImage))
                .containsExactlyInAnyOrder(
                        "APP_ENV", "TRUSTED_PROXIES", "APP_REVISION", "SERVER_ADDRESS", "MANAGEMENT_ADDRESS")
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
}
