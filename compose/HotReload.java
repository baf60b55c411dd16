import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Runs the server from a source tree and restarts it after a change: {@code java HotReload.java SOURCES WORK}.
 *
 * <p>Never writes to SOURCES. Polls it, because mounts from another operating system send no change events. If only
 * Java files have changed, compiles in this process, in one second instead of Maven's ten; otherwise (a POM, a
 * resource) builds with Maven. After a compile error, or if a new version does not start, the last good version keeps
 * serving.
 */
final class HotReload {

    private static final long POLL_MILLIS = 300;
    private static final List<String> MODULES = List.of("llm-core", "llm-ollama-adapter", "llm-api");

    private final Path sources;
    private final Path work;
    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private int version;
    private Path serving;
    private Path previous;
    private Path libraries;
    private volatile Process server;

    /** The prompts when the server was last started. */
    private Map<Path, String> prompts = Map.of();

    private HotReload(Path sources, Path work) {
        this.sources = sources;
        this.work = work;
    }

    public static void main(String[] args) throws Exception {
        HotReload reload = new HotReload(Path.of(args[0]), Path.of(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(reload::stop));
        reload.run();
    }

    private void run() throws IOException, InterruptedException {
        Map<Path, String> built = Map.of();
        Map<Path, String> seen = Map.of();
        while (true) {
            Map<Path, String> now = snapshot();
            boolean stable = now.equals(seen); // an editor may still be writing
            seen = now;
            if (stable && !now.equals(built)) {
                update(differences(built, now));
                built = now;
            } else if (server != null && !server.isAlive()) {
                fallBack();
            } else if (server == null && serving != null && !prompts().equals(prompts)) {
                serve(serving); // it has refused to start, maybe because of them
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
    }

    private void update(List<Path> changed) throws IOException, InterruptedException {
        long start = System.nanoTime();
        boolean javaOnly = serving != null && changed.stream().allMatch(path -> path.toString().endsWith(".java"));
        log(javaOnly ? changed.size() + " changed, compiling: " + changed.getFirst() : "building with Maven");
        Path classes = work.resolve("classes-" + ++version);
        if (javaOnly ? compile(classes) : build(classes)) {
            serve(classes);
            log("serving version " + version + ", compiled in " + (System.nanoTime() - start) / 1_000_000 + " ms");
            if (!javaOnly) {
                warmUp();
                log("ready for changes");
            }
        } else {
            log("NOT COMPILED, see above" + (serving == null ? "." : ": the last good version keeps serving."));
        }
    }

    /** Builds a copy of the tree: the server's dependencies, classes and filtered resources. */
    private boolean build(Path classes) throws IOException, InterruptedException {
        Path tree = work.resolve("tree");
        delete(tree);
        for (Path path : snapshot().keySet()) {
            copy(sources.resolve(path), tree.resolve(path));
        }
        if (!succeeds(tree, "./mvnw", "-B", "-q", "-DskipTests", "-Dspotless.check.skip", "-pl", "llm-api", "-am", "package")) {
            return false;
        }
        Path app = work.resolve("app-" + version);
        Path jar = only(tree.resolve("llm-api/target"), "llm-api-.*\\.jar");
        if (!succeeds(tree, java(), "-Djarmode=tools", "-jar", jar.toString(), "extract", "--destination", app.toString())) {
            return false;
        }
        for (String module : MODULES) {
            copyAll(tree.resolve(module).resolve("target/classes"), classes);
        }
        libraries = app.resolve("lib");
        return true;
    }

    /** Compiles all modules' Java files; takes the resources of the last good version. */
    private boolean compile(Path classes) throws IOException {
        Files.createDirectories(classes);
        List<Path> files = new ArrayList<>();
        for (Path path : snapshot().keySet()) {
            if (path.toString().endsWith(".java")) {
                files.add(sources.resolve(path));
            }
        }
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        List<String> options = List.of(
                "-d", classes.toString(), "-cp", dependencies(), "-parameters", "-g", "-proc:none", "-nowarn", "-implicit:none");
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(diagnostics, null, StandardCharsets.UTF_8)) {
            boolean compiled = compiler.getTask(
                            null, manager, diagnostics, options, null, manager.getJavaFileObjectsFromPaths(files))
                    .call();
            if (!compiled) {
                diagnostics.getDiagnostics().forEach(System.out::println);
                delete(classes);
                return false;
            }
        }
        try (Stream<Path> all = Files.walk(serving)) {
            for (Path file : all.filter(path -> !path.toString().endsWith(".class") && Files.isRegularFile(path)).toList()) {
                copy(file, classes.resolve(serving.relativize(file)));
            }
        }
        return true;
    }

    /** Warms the compiler up: the first compilation takes several times as long as the second. */
    private void warmUp() throws IOException {
        Path unused = work.resolve("unused");
        compile(unused);
        delete(unused);
    }

    private String dependencies() throws IOException {
        try (Stream<Path> jars = Files.list(libraries)) {
            return String.join(
                    ":",
                    jars.map(Path::toString)
                            .filter(jar -> MODULES.stream().noneMatch(module -> jar.contains("/" + module + "-")))
                            .sorted()
                            .toList());
        }
    }

    private void serve(Path classes) throws IOException, InterruptedException {
        kill();
        if (previous != null && !previous.equals(classes)) {
            delete(previous);
        }
        previous = serving;
        serving = classes;
        prompts = prompts();
        server = new ProcessBuilder(
                        java(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classes + ":" + dependencies(),
                        "dev.localllm.api.LlmApplication")
                .inheritIO()
                .start();
    }

    /** If a version exits by itself, runs the previous one; if that exits too, waits for a change. */
    private void fallBack() throws IOException, InterruptedException {
        log("THE SERVER ENDED with exit code " + server.exitValue() + ".");
        server = null;
        if (previous != null) {
            log("The last good version serves again.");
            Path good = previous;
            serve(good);
            previous = null;
        }
    }

    /** Kills the server at once: a reload aborts running responses. */
    private void kill() throws InterruptedException {
        if (server != null) {
            server.destroyForcibly().waitFor();
        }
    }

    /** Shuts the server down gracefully: when the container stops, running responses may finish. */
    private void stop() {
        if (server != null) {
            server.destroy();
            try {
                server.waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Every watched file, relative to the sources, with its time and size. */
    private Map<Path, String> snapshot() throws IOException {
        Map<Path, String> files = new HashMap<>();
        add(files, Path.of("pom.xml"));
        add(files, Path.of("mvnw"));
        add(files, Path.of(".mvn"));
        add(files, Path.of("llm-deploy/pom.xml"));
        for (String module : MODULES) {
            add(files, Path.of(module, "pom.xml"));
            add(files, Path.of(module, "src/main"));
        }
        return files;
    }

    private Map<Path, String> prompts() throws IOException {
        Map<Path, String> files = new HashMap<>();
        add(files, Path.of("prompts"));
        return files;
    }

    private void add(Map<Path, String> files, Path start) throws IOException {
        Files.walkFileTree(sources.resolve(start), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                files.put(sources.relativize(file), attributes.lastModifiedTime() + " " + attributes.size());
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException gone) {
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static List<Path> differences(Map<Path, String> before, Map<Path, String> after) {
        return Stream.concat(before.keySet().stream(), after.keySet().stream())
                .distinct()
                .filter(path -> !String.valueOf(before.get(path)).equals(after.get(path)))
                .sorted()
                .toList();
    }

    private static boolean succeeds(Path directory, String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).directory(directory.toFile()).inheritIO().start().waitFor() == 0;
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin/java").toString();
    }

    private static Path only(Path directory, String name) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches(name)).findFirst().orElseThrow();
        }
    }

    private static void copyAll(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                copy(file, to.resolve(from.relativize(file)));
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(tree)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private static void log(String text) {
        System.out.println("hot reload: " + text);
    }
}
