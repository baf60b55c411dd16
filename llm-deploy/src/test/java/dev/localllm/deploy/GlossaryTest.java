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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No file or file name has a word that the glossary in CONTRIBUTING.md replaces, also as a part of a name. */
class GlossaryTest {

    private static final Path ROOT = Path.of("..");
    private static final Path GLOSSARY = ROOT.resolve("CONTRIBUTING.md");
    private static final Set<String> SKIPPED_FOLDERS =
            Set.of(".git", ".idea", ".vscode", "node_modules", "recordings", "target");

    /** The changelog tells of old names. */
    private static final Set<String> SKIPPED_FILES =
            Set.of("CHANGELOG.md", "GlossaryTest.java", "package-lock.json", "checksums.sha256");

    /** What git ignores. */
    private static final Pattern LOCAL_FILE = Pattern.compile("\\.env(?!.*\\.example$).*|.*\\.(bak|iml)");

    private static final Finder FINDER =
            Finder.of(List.of("whole answer", "settle", "patience", "AnswerSlots", "break off", "heard()"));

    private static final String ENDING = "(?:s|d|ed|es|ing)?";

    @Test
    void readsTheGlossary() throws IOException {
        assertThat(words()).hasSizeGreaterThan(20).contains("AnswerSlots", "whole answer", "heard()");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "A whole\n     * answer.",
                "readsAWholeAnswer",
                "whole_answers",
                "Settled",
                "settleTokens",
                "PATIENCE_MILLIS",
                "PatienceTest",
                "AnswerSlotsTest",
                "breaks off",
                "model.heard(1)",
                "model::heard",
            })
    void findsWords(String text) {
        assertThat(FINDER.in(text)).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"the whole", "overheard(1)", "heard of", "resettlement", "impatience"})
    void findsNoOtherWords(String text) {
        assertThat(FINDER.in(text)).isEmpty();
    }

    @Test
    void noFileUsesAReplacedWord() throws IOException {
        Finder replaced = Finder.of(words());
        List<String> found = new ArrayList<>();
        for (Path file : files()) {
            String name = ROOT.relativize(file).toString();
            replaced.in(name + "\n" + text(file)).forEach(word -> found.add(name + ": " + word));
        }
        assertThat(found).as("words to replace (CONTRIBUTING.md, Words)").isEmpty();
    }

    /** The words in the left-hand column. */
    private static List<String> words() throws IOException {
        String rows = found("(?m)^\\| (`.*?) \\|", section()).collect(Collectors.joining("\n"));
        return found("`([^`]+)`", rows).toList();
    }

    private static String section() throws IOException {
        return found("(?s)\n## Words\n(.*?)(?=\n## |$)", Files.readString(GLOSSARY))
                .findFirst()
                .orElseThrow();
    }

    private static Stream<String> found(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map((MatchResult match) -> match.group(1));
    }

    /** Finds words in texts: {@code name()} as a method, others also in names, which are split into words. */
    private record Finder(Pattern terms, Pattern methods) {

        static Finder of(List<String> words) {
            return new Finder(
                    anyOf("(?i)", words.stream().filter(word -> !isMethod(word)).map(GlossaryTest::phrase)),
                    anyOf("", words.stream().filter(GlossaryTest::isMethod).map(GlossaryTest::call)));
        }

        private static Pattern anyOf(String flags, Stream<String> patterns) {
            return Pattern.compile(patterns.collect(Collectors.joining("|", flags + "(?:", ")")));
        }

        List<String> in(String text) {
            return Stream.concat(
                            terms.matcher(split(text)).results(),
                            methods.matcher(text).results())
                    .map(MatchResult::group)
                    .toList();
        }
    }

    private static boolean isMethod(String word) {
        return word.endsWith("()");
    }

    private static String call(String method) {
        String name = method.substring(0, method.length() - 2);
        return "\\b" + name + "\\(|::" + name + "\\b";
    }

    private static String phrase(String word) {
        return "\\b" + split(word).replace(" ", ENDING + "[\\s*#/-]+") + ENDING + "\\b";
    }

    private static String split(String text) {
        return text.replaceAll("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ");
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
                String name = file.getFileName().toString();
                if (attributes.isRegularFile()
                        && !SKIPPED_FILES.contains(name)
                        && !LOCAL_FILE.matcher(name).matches()) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }

    /** Empty for a binary file, and without the glossary itself. */
    private static String text(Path file) throws IOException {
        try {
            String text = Files.readString(file);
            return file.equals(GLOSSARY) ? text.replace(section(), "") : text;
        } catch (CharacterCodingException e) {
            return "";
        }
    }
}
