package dev.localllm.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** No file uses a word that the glossary in CONTRIBUTING.md replaces. CHANGELOG.md may: it tells of old names. */
class GlossaryTest {

    private static final Path ROOT = Path.of("..");
    private static final Path GLOSSARY = ROOT.resolve("CONTRIBUTING.md");
    private static final Set<String> SKIPPED_FOLDERS = Set.of(".git", ".idea", "node_modules", "target");
    private static final Set<String> SKIPPED_FILES =
            Set.of("CHANGELOG.md", "CONTRIBUTING.md", "GlossaryTest.java", "package-lock.json", "checksums.sha256");

    @Test
    void readsTheGlossary() throws IOException {
        assertThat(words()).hasSizeGreaterThan(20).contains("AnswerSlots", "whole answer", "heard()");
    }

    @Test
    void findsWords() {
        Pattern words = anyOf(List.of("whole answer", "heard()", "settle", "AnswerSlots"));
        assertThat(List.of("A whole\n     * answer.", "model.heard(1)", "Settled", "AnswerSlotsTest"))
                .allMatch(text -> words.matcher(text).find());
        assertThat(List.of("the whole", "overheard(1)", "heard of", "resettlement"))
                .noneMatch(text -> words.matcher(text).find());
    }

    @Test
    void noFileUsesAReplacedWord() throws IOException {
        Pattern replaced = anyOf(words());
        List<String> found = new ArrayList<>();
        for (Path file : files()) {
            for (MatchResult match : replaced.matcher(text(file)).results().toList()) {
                found.add(ROOT.relativize(file) + ": " + match.group());
            }
        }
        assertThat(found).as("words to replace (CONTRIBUTING.md, Words)").isEmpty();
    }

    /** The words in the left-hand column. */
    private static List<String> words() throws IOException {
        return found("`([^`]+)`", found("(?m)^\\| (`.*?) \\|", section()).collect(Collectors.joining("\n")))
                .toList();
    }

    private static String section() throws IOException {
        return found("(?s)\n## Words\n(.*?)(?:\n## |$)", Files.readString(GLOSSARY))
                .findFirst()
                .orElseThrow();
    }

    private static Stream<String> found(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map((MatchResult match) -> match.group(1));
    }

    private static Pattern anyOf(List<String> words) {
        return Pattern.compile(words.stream().map(GlossaryTest::pattern).collect(Collectors.joining("|", "(?i)", "")));
    }

    /**
     * {@code name()} matches a method, {@code camelCase} also a part of a name; other words match with an ending and
     * over a line break, in comments too.
     */
    private static String pattern(String word) {
        if (word.endsWith("()")) {
            return "\\b" + Pattern.quote(word.substring(0, word.length() - 1));
        }
        return word.matches(".*[a-z][A-Z].*")
                ? word
                : "\\b" + word.replace(" ", "\\s+(?:[*#/]+\\s+)?") + "(?:s|d|ed|es)?\\b";
    }

    private static List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(ROOT, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                return SKIPPED_FOLDERS.contains(folder.getFileName().toString())
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isRegularFile()
                        && !SKIPPED_FILES.contains(file.getFileName().toString())) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }

    /** Empty for a binary file. */
    private static String text(Path file) throws IOException {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            return "";
        }
    }
}
