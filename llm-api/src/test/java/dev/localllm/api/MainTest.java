package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process, as users start it. */
class MainTest {

    @Test
    void refusesABadSettingInOneLineAndExits() throws Exception {
        assertThat(refused(Map.of("RATE_LIMIT_RPM", "sixty")))
                .isEqualTo("RATE_LIMIT_RPM: 'sixty' (expected: a whole number from 0 to 1000000)\n");
    }

    @Test
    void refusesBadPromptsInOneLineEachAndExits(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("a.md"), "Be kind.");

        assertThat(refused(Map.of("PROMPT_FOLDER", folder.toString())))
                .isEqualTo(folder.resolve("a.md")
                        + ": no front matter (expected: id and version between two lines ---)\n");
    }

    /** Output of a server that refuses to start. */
    private static String refused(Map<String, String> settings) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                LlmApplication.class.getName());
        builder.environment().putAll(settings);
        Process process = builder.redirectErrorStream(true).start();

        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(2);
        return output;
    }
}
