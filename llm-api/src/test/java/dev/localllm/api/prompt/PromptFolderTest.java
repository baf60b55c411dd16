package dev.localllm.api.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ch.qos.logback.classic.Level;
import dev.localllm.api.CapturedLog;
import dev.localllm.core.prompt.Prompt;
import dev.localllm.core.prompt.SystemPrompt;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptFolderTest {

    @TempDir
    Path folder;

    @Test
    void readsOneFilePerPrompt() throws IOException {
        write("b.md", "---\nid: translator\nversion: 2\n---\n\nTranslate into {{language}}.\n\n");
        write("a.md", "---\r\nversion:1\r\nid:assistant\r\n---\r\nBe kind.\r\nAlways.");
        write(".draft.md", "no prompt");
        write("b.md~", "no prompt");

        List<Prompt> prompts = folder(null).read().prompts();

        assertThat(prompts).extracting(Prompt::id).containsExactly("assistant", "translator");
        assertThat(prompts).extracting(Prompt::version).containsExactly(1, 2);
        assertThat(text(prompts.get(0), Map.of())).isEqualTo("Be kind.\nAlways.");
        assertThat(text(prompts.get(1), Map.of("language", "French"))).isEqualTo("Translate into French.");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            Be kind.                             | no front matter (expected: id and version between two lines ---)
            ---/id: a/version: 1/Be kind.        | no front matter (expected: id and version between two lines ---)
            ---/---/Be kind.                     | id: missing
            ---/id: a/---/Be kind.               | version: missing
            ---/id: a/version: x/---/Be kind.    | version: 'x' (expected: a whole number, 1 or more)
            ---/id: a/version: 01/---/Be kind.   | version: '01' (expected: a whole number, 1 or more)
            ---/id: A/version: 1/---/Be kind.    | id: 'A' (expected: up to 64 lower-case letters, digits, _ and -, first a letter or digit)
            ---/id: a/id: b/version: 1/---/x     | id: duplicate
            ---/id: a/name: b/version: 1/---/x   | 'name: b' (expected: id: … and version: …)
            ---/id/version: 1/---/x              | 'id' (expected: id: … and version: …)
            ---/id: a/version: 1/---/            | no text
            ---/id: a/version: 1/---             | no text
            ---/id: a/version: 1/---/{{ x }}     | '{{ x }}' (expected: {{name}}, with a name of up to 64 lower-case letters, digits and _, first a letter)
            """)
    void namesTheFaultOfAFile(String text, String fault) throws IOException {
        write("a.md", text.replace("/", "\n"));

        assertFaults(folder(null), folder.resolve("a.md") + ": " + fault);
    }

    @Test
    void namesTheFaultsOfAllFiles() throws IOException {
        write("1.md", prompt("a", "x"));
        write("2.md", prompt("a", "y"));
        write("3.txt", prompt("b", "x"));
        Files.createDirectory(folder.resolve("4.md"));
        Files.write(folder.resolve("5.md"), "---\nid: ü".getBytes(StandardCharsets.ISO_8859_1));
        write("6.md", prompt("c", "x".repeat(1 << 20)));

        assertFaults(
                folder("nobody"), // told when the files are in order
                folder.resolve("2.md") + ": duplicate of a@1",
                folder.resolve("3.txt") + ": not a prompt (expected: a file named *.md)",
                folder.resolve("4.md") + ": not a prompt (expected: a file named *.md)",
                folder.resolve("5.md") + ": not UTF-8",
                folder.resolve("6.md") + ": too large (expected: up to 1048576 bytes)");
    }

    @Test
    void tellsOnlyTheBeginningOfALineAndNoControlCharacters() throws IOException {
        write("a\n.md", "---\nid: a\nversion: 1\n\u001b" + "secret".repeat(9) + "\n---\nx");

        assertFaults(
                folder(null), folder.resolve("a?.md") + ": '?secretsecretsecrets…' (expected: id: … and version: …)");
    }

    @Test
    void requiresAFolderThatIsSet() {
        Path missing = folder.resolve("missing");

        assertFaults(
                new PromptFolder(missing, false, null, null),
                "PROMPT_FOLDER: '" + missing + "' (expected: a folder that can be read)");
        assertThat(new PromptFolder(missing, true, null, null).read().prompts()).isEmpty();
    }

    @Test
    void takesTheSystemPromptFromThePrompts() throws IOException {
        write("1.md", "---\nid: a\nversion: 1\n---\nold");
        write("2.md", "---\nid: a\nversion: 2\n---\nnew");
        write("3.md", prompt("b", "{{x}}"));

        assertThat(folder("a").read().systemPrompt()).isEqualTo(new SystemPrompt("new"));
        assertThat(folder("a@1").read().systemPrompt()).isEqualTo(new SystemPrompt("old"));
        assertThat(folder(null).read().systemPrompt()).isNull();
        assertThat(new PromptFolder(folder, false, new SystemPrompt("own"), null)
                        .read()
                        .systemPrompt())
                .isEqualTo(new SystemPrompt("own"));
        assertThatExceptionOfType(InvalidPromptsException.class)
                .isThrownBy(() -> folder("b").read())
                .withMessage("DEFAULT_PROMPT: 'b' (expected: a prompt without variables)");
        assertThatExceptionOfType(InvalidPromptsException.class)
                .isThrownBy(() -> folder("a@3").read())
                .withMessage("DEFAULT_PROMPT: 'a@3' (expected: a prompt of " + folder + ")");
    }

    @Test
    void reloadsAChangedFolderAndKeepsTheLastGoodOne() throws IOException {
        write("1.md", prompt("a", "old"));
        Prompts prompts = new Prompts(folder("a"), true);
        Prompts fixed = new Prompts(folder("a"), false);
        assertThat(prompts.get().systemPrompt()).isEqualTo(new SystemPrompt("old"));

        write("1.md", prompt("a", "newer"));
        assertThat(prompts.get().systemPrompt()).isEqualTo(new SystemPrompt("newer"));

        try (CapturedLog log = new CapturedLog(Prompts.class.getName(), Level.ERROR)) {
            write("2.md", "no prompt");
            assertThat(prompts.get().systemPrompt()).isEqualTo(new SystemPrompt("newer"));
            assertThat(prompts.get().prompts()).hasSize(1);
            assertThat(log.messages())
                    .containsExactly("Prompts: not reloaded. " + folder.resolve("2.md")
                            + ": no front matter (expected: id and version between two lines ---)");
        }

        write("2.md", "---\nid: b\nversion: 1\n---\nx");
        assertThat(prompts.get().prompts()).hasSize(2);
        try (CapturedLog log = new CapturedLog(Prompts.class.getName(), Level.ERROR)) {
            Files.createSymbolicLink(folder.resolve("3.md"), folder.resolve("later"));
            assertThat(prompts.get().prompts()).hasSize(2);
            Files.delete(folder.resolve("3.md"));
            assertThat(prompts.get().prompts()).hasSize(2);
            assertThat(log.messages()).hasSize(1);
        }
        write("1.md", prompt("a", "NEWER")); // as long as before, at another time
        Files.setLastModifiedTime(folder.resolve("1.md"), FileTime.fromMillis(1));
        assertThat(prompts.get().systemPrompt()).isEqualTo(new SystemPrompt("NEWER"));
        assertThat(prompts.get()).isSameAs(prompts.get());
        assertThat(fixed.get().systemPrompt()).isEqualTo(new SystemPrompt("old"));
    }

    private PromptFolder folder(@Nullable String defaultPrompt) {
        return new PromptFolder(folder, false, null, defaultPrompt);
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static String prompt(String id, String text) {
        return "---\nid: " + id + "\nversion: 1\n---\n" + text;
    }

    private static String text(Prompt prompt, Map<String, String> values) {
        return Objects.requireNonNull(prompt).template().render(values).text();
    }

    private static void assertFaults(PromptFolder folder, String... lines) {
        assertThatExceptionOfType(InvalidPromptsException.class)
                .isThrownBy(folder::read)
                .withMessage(String.join("\n", lines));
    }
}
