package dev.localllm.api.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs after all other tests of one build, and only then. */
@Tag("contract")
class ContractCoverageTest {

    @Test
    void eachDocumentedResponseOccurred() throws IOException {
        Set<String> occurred = new TreeSet<>();
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("contract.folder")))) {
            for (Path file : files.toList()) {
                occurred.addAll(Files.readAllLines(file));
            }
        }
        List<String> missing = OpenApi.read().documented().stream()
                .filter(response -> !occurred.contains(response))
                .toList();
        assertThat(missing).as("documented responses that no test has got").isEmpty();
    }
}
