package dev.localllm.deploy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Reads llm-deploy/env/manifest.csv, which is generated from the declarations in llm-api. */
final class EnvManifest {

    private static final List<String> ENVIRONMENTS = List.of("local", "staging", "production");

    private static final List<String> COLUMNS =
            List.of("name", "kind", "read by", "local", "staging", "production", "meaning");
    private static final int FIRST_ENVIRONMENT = COLUMNS.indexOf("local");

    private EnvManifest() {}

    /**
     * A setting.
     *
     * @param cells per environment: {@code -} where the setting doesn't exist, {@code required `example`}, a default in
     *     backticks, which may be the name of another setting, or a description of the default
     */
    record Row(String name, List<String> cells, String meaning) {

        String cell(String environment) {
            return cells.get(ENVIRONMENTS.indexOf(environment));
        }
    }

    static List<Row> rows() throws IOException {
        List<List<String>> lines = Files.readAllLines(Path.of("env/manifest.csv")).stream()
                .filter(line -> !line.startsWith("#"))
                .map(line -> Stream.of(line.split("\\|", -1)).map(String::strip).toList())
                .toList();
        for (List<String> line : lines) {
            if (line.size() != COLUMNS.size() || !lines.getFirst().equals(COLUMNS)) {
                throw new IllegalStateException("manifest.csv: " + line + " (expected: " + COLUMNS + ")");
            }
        }
        return lines.stream().skip(1).map(EnvManifest::row).toList();
    }

    private static Row row(List<String> line) {
        List<String> cells = new ArrayList<>();
        for (String cell : line.subList(FIRST_ENVIRONMENT, FIRST_ENVIRONMENT + ENVIRONMENTS.size())) {
            // An empty cell repeats the one before it.
            cells.add(cell.isEmpty() ? cells.getLast() : cell);
        }
        return new Row(line.getFirst(), cells, line.getLast());
    }
}
