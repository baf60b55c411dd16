package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One scrape of a server's metrics, in Prometheus' text format. */
final class Scrape {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Pattern SAMPLE = Pattern.compile("(\\w+)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");
    private static final Pattern TYPE = Pattern.compile("# TYPE (\\w+) (\\w+)");
    private static final Pattern PART = Pattern.compile("_(bucket|sum|count)$");

    private record Series(String name, Map<String, String> labels) {}

    private final String text;
    private final Map<Series, Double> samples = new LinkedHashMap<>();

    private Scrape(String text) {
        this.text = text;
        text.lines().filter(line -> !line.startsWith("#")).forEach(line -> {
            Matcher sample = SAMPLE.matcher(line);
            assertThat(sample.matches()).as(line).isTrue();
            Map<String, String> labels = new TreeMap<>();
            if (sample.group(2) != null) {
                LABEL.matcher(sample.group(2)).results().forEach(label -> labels.put(label.group(1), label.group(2)));
            }
            Double before = samples.put(new Series(sample.group(1), labels), Double.valueOf(sample.group(3)));
            assertThat(before).as("series that occurs twice: %s", line).isNull();
        });
    }

    static Scrape of(TestServer server) throws Exception {
        return new Scrape(get(server, "text/plain"));
    }

    /** Scrapes until the condition holds. */
    static Scrape await(TestServer server, Predicate<Scrape> condition) throws Exception {
        long end = System.nanoTime() + TIMEOUT.toNanos();
        Scrape scrape = of(server);
        while (!condition.test(scrape)) {
            assertThat(System.nanoTime()).as(scrape.text).isLessThan(end);
            scrape = of(server);
        }
        return scrape;
    }

    static String openMetricsOf(TestServer server) throws Exception {
        return get(server, "application/openmetrics-text; version=1.0.0");
    }

    private static String get(TestServer server, String accept) throws Exception {
        HttpResponse<String> response = server.send(HttpRequest.newBuilder(server.managementUri("/actuator/prometheus"))
                .header("Accept", accept));
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type").orElse("")).startsWith(accept.split(";", 2)[0]);
        return response.body();
    }

    String text() {
        return text;
    }

    /**
     * The sum of all series with this name and at least these labels; 0 if there is none.
     *
     * @param labels each as {@code name=value}
     */
    double sum(String name, String... labels) {
        return samples.entrySet().stream()
                .filter(sample -> sample.getKey().name().equals(name))
                .filter(sample -> Arrays.stream(labels).allMatch(label -> has(sample.getKey(), label)))
                .mapToDouble(Map.Entry::getValue)
                .sum();
    }

    private static boolean has(Series series, String label) {
        String[] pair = label.split("=", 2);
        return pair[1].equals(series.labels().get(pair[0]));
    }

    boolean has(String name, String... labels) {
        return samples.keySet().stream()
                .anyMatch(series ->
                        series.name().equals(name) && Arrays.stream(labels).allMatch(label -> has(series, label)));
    }

    /** The names and types of all metrics, with the names of their labels. Parts of a histogram are one metric. */
    Map<String, Set<String>> metrics() {
        Map<String, String> types = new HashMap<>();
        TYPE.matcher(text).results().forEach(type -> types.put(type.group(1), type.group(2)));
        Map<String, Set<String>> metrics = new TreeMap<>();
        samples.keySet().forEach(series -> {
            String whole = PART.matcher(series.name()).replaceFirst("");
            String name = types.getOrDefault(whole, "").equals("histogram") ? whole : series.name();
            Set<String> labels = new TreeSet<>(series.labels().keySet());
            labels.remove("le");
            metrics.computeIfAbsent(name + " " + types.get(name), any -> new TreeSet<>())
                    .addAll(labels);
        });
        return metrics;
    }
}
