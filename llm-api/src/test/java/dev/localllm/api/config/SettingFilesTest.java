package dev.localllm.api.config;

import static dev.localllm.api.setting.Defaults.localAndDeployed;
import static dev.localllm.api.setting.Defaults.required;
import static dev.localllm.api.setting.Defaults.value;
import static dev.localllm.api.setting.Defaults.words;
import static dev.localllm.api.setting.Setting.setting;
import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.setting.AppEnvironment;
import dev.localllm.api.setting.Setting;
import dev.localllm.api.setting.ValueType;
import dev.localllm.api.setting.Variables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SettingFilesTest {

    private static final Path ROOT = Path.of("..");

    private static final Setting<Integer> LIMIT = setting(
            "MADE_UP_LIMIT",
            ValueType.number(1, 9),
            localAndDeployed(value("5"), required("7")),
            "made-up requests, {range}; then 503");
    private static final Setting<String> KEY = new Setting<>(
            "MADE_UP_KEY",
            Setting.Kind.SECRET,
            Setting.Reader.DEPLOY,
            ValueType.text("a key", text -> true),
            localAndDeployed(words("none"), required("abc")),
            "a made-up key");

    private static final String ENVIRONMENT_LINES = """

            # made-up requests, 1 to 9; then 503
            MADE_UP_LIMIT=7

            # for the deploy tool: secret; a made-up key
            MADE_UP_KEY=abc
            """;
    private static final String WORKFLOW_LINES = """
                      SETTING_MADE_UP_LIMIT: ${{ vars.MADE_UP_LIMIT }}
                      SETTING_MADE_UP_KEY: ${{ secrets.MADE_UP_KEY }}
            """;
    private static final Map<String, String> LINES = Map.of(
            "llm-deploy/env/manifest.csv", """
            MADE_UP_LIMIT | variable | server | `5` | required `7` | | made-up requests, 1 to 9; then 503
            MADE_UP_KEY | secret | deploy | none | required `abc` | | a made-up key
            """,
            "docs/configuration.md", """
            | MADE_UP_LIMIT | `5` | required | made-up requests, 1 to 9; then 503 |
            | MADE_UP_KEY | none | required | for the deploy tool: secret; a made-up key |
            """,
            "llm-deploy/env/.env.local.example", """

            # made-up requests, 1 to 9; then 503
            #MADE_UP_LIMIT=5

            # for the deploy tool: secret; a made-up key (default: none)
            #MADE_UP_KEY=
            """,
            "llm-deploy/env/.env.staging.example", ENVIRONMENT_LINES,
            "llm-deploy/env/.env.production.example", ENVIRONMENT_LINES,
            ".github/workflows/staging.yml", WORKFLOW_LINES,
            ".github/workflows/production.yml", WORKFLOW_LINES);

    @Test
    void filesAreGeneratedFromTheDeclarations() throws IOException {
        Map<String, String> expected = new SettingFiles(declared().declared()).in(ROOT);
        if (Boolean.getBoolean("settings.write")) {
            write(expected, ROOT);
        }
        for (Map.Entry<String, String> file : expected.entrySet()) {
            assertThat(Files.readString(ROOT.resolve(file.getKey())))
                    .as("%s is not what the declarations say: run %s", file.getKey(), SettingFiles.COMMAND)
                    .isEqualTo(file.getValue());
        }
    }

    @Test
    void aNewSettingAddsItsLinesAndRemovingItRemovesThem(@TempDir Path copy) throws IOException {
        Map<String, String> before = new SettingFiles(declared().declared()).in(ROOT);
        write(before, copy);

        Variables more = declared();
        assertThat(more.get(LIMIT)).isEqualTo(5);
        more.declare(KEY);
        Map<String, String> after = new SettingFiles(more.declared()).in(copy);
        write(after, copy);

        assertThat(after)
                .hasSameSizeAs(LINES)
                .allSatisfy((file, content) -> assertThat(content)
                        .containsOnlyOnce(LINES.get(file))
                        .satisfies(text ->
                                assertThat(text.replace(LINES.get(file), "")).isEqualTo(before.get(file))));
        assertThat(new SettingFiles(declared().declared()).in(copy)).isEqualTo(before);
    }

    /** Every environment declares the same settings with the same texts. */
    @ParameterizedTest
    @EnumSource
    void everyEnvironmentDeclaresTheSameAndStartsWithItsExample(AppEnvironment environment) throws IOException {
        Map<String, String> files = new SettingFiles(declared().declared()).in(ROOT);
        Map<String, String> example = files.get("llm-deploy/env/.env." + environment + ".example")
                .lines()
                .filter(line -> line.matches("[A-Z_]+=.*"))
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
        Variables variables = new Variables(example::get, Settings.APP_ENV);

        assertThat(Settings.read(variables).server().environment()).isEqualTo(environment);
        assertThat(new SettingFiles(variables.declared()).in(ROOT)).isEqualTo(files);
    }

    private static Variables declared() {
        Variables variables = new Variables(name -> null, Settings.APP_ENV);
        Settings.read(variables);
        return variables;
    }

    private static void write(Map<String, String> files, Path root) throws IOException {
        for (Map.Entry<String, String> file : files.entrySet()) {
            Path path = root.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue());
        }
    }
}
