package dev.localllm.deploy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads llm-deploy/env/manifest.csv, and writes what is made of it. */
final class EnvManifest {

    static final List<String> ENVIRONMENTS = List.of("local", "staging", "production");

    private static final List<String> COLUMNS =
            List.of("name", "kind", "read by", "local", "staging", "production", "meaning");
    private static final int FIRST_ENVIRONMENT = COLUMNS.indexOf("local");
    private static final int COMMENT_WIDTH = 106;

    private EnvManifest() {}

    /**
     * A setting.
     *
     * @param kind {@code secret} or {@code variable}
     * @param readBy {@code server} or {@code deploy}
     * @param cells per environment: {@code -} where the setting doesn't exist, {@code required `example`}, a default in
     *     backticks, which may be the name of another setting, or words about what happens without it
     */
    record Row(String name, String kind, String readBy, List<String> cells, String meaning) {

        String cell(String environment) {
            return cells.get(ENVIRONMENTS.indexOf(environment));
        }

        boolean isRequired(String environment) {
            return cell(environment).startsWith("required ");
        }

        /** Who else than the server reads it, what must not be shown, then what it means. */
        String told() {
            return (readBy.equals("server") ? "" : "for the deploy tool: ")
                    + (kind.equals("secret") ? "secret; " : "")
                    + meaning;
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
            // An empty cell says the same as the one before it.
            cells.add(cell.isEmpty() ? cells.getLast() : cell);
        }
        return new Row(line.get(0), line.get(1), line.get(2), cells, line.getLast());
    }

    static String table() throws IOException {
        return "| variable | local | staging, production | meaning |\n|---|---|---|---|\n"
                + rows().stream().map(EnvManifest::tableLine).collect(Collectors.joining());
    }

    private static String tableLine(Row row) {
        String deployed = Stream.of("staging", "production")
                .map(environment -> tableCell(row, environment))
                .distinct()
                .collect(Collectors.joining(", "));
        return "| " + row.name() + " | " + tableCell(row, "local") + " | " + deployed + " | " + row.told() + " |\n";
    }

    private static String tableCell(Row row, String environment) {
        String cell = row.cell(environment);
        return row.isRequired(environment) ? "required" : cell.equals("-") ? "–" : cell;
    }

    static String example(String environment) throws IOException {
        List<Row> rows = rows().stream()
                .filter(row -> !row.cell(environment).equals("-"))
                .toList();
        return """
                # Settings of %1$s, made of manifest.csv. Copy to .env.%1$s, which git ignores, and fill in.
                # Values are taken as they stand: no quotes, no expansion. A line that is commented out shows the default.
                """.formatted(environment)
                + rows.stream()
                        .map(row -> "\n" + comment(row, environment) + setting(row, environment, rows))
                        .collect(Collectors.joining())
                + "\n# end\n";
    }

    private static String comment(Row row, String environment) {
        String cell = row.cell(environment);
        String text = row.told() + (cell.endsWith("`") ? "" : " (default: " + cell + ")");
        return text.replace("`", "").replaceAll("(.{1," + COMMENT_WIDTH + "})( |$)", "# $1\n");
    }

    private static String setting(Row row, String environment, List<Row> rows) {
        boolean set = row.isRequired(environment) || row.name().equals("APP_ENV");
        return (set ? "" : "#") + row.name() + "=" + value(row, environment, rows) + "\n";
    }

    private static String value(Row row, String environment, List<Row> rows) {
        String cell = row.cell(environment).replace("required ", "");
        if (!cell.startsWith("`")) {
            return "";
        }
        String value = cell.replace("`", "");
        return rows.stream()
                .filter(other -> other.name().equals(value))
                .map(other -> value(other, environment, rows))
                .findFirst()
                .orElse(value);
    }
}
