package dev.localllm.api;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The server in its own process, for signals and exit codes. */
final class ServerProcess implements AutoCloseable {

    private static final Pattern STARTED = Pattern.compile("local-llm-server .* port (\\d+)");

    private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");

    private final Process process;
    private final Thread reading;
    private final CompletableFuture<Integer> port = new CompletableFuture<>();
    private final List<String> output = new ArrayList<>();

    ServerProcess(URI ollama, String... settings) throws IOException {
        this(List.of(), ollama, settings);
    }

    private ServerProcess(List<String> options, URI ollama, String... settings) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.addAll(List.of(
                "-XX:TieredStopAtLevel=1", // halves the time that a start takes
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                LlmApplication.class.getName(),
                "--APP_ENV=local",
                "--SERVER_PORT=0",
                "--MANAGEMENT_PORT=0",
                "--MODEL_NAME=simulator",
                "--OLLAMA_BASE_URL=" + ollama));
        command.addAll(List.of(settings));
        if (command.stream().noneMatch(argument -> argument.startsWith("--OLLAMA_NUM_PARALLEL="))) {
            command.add("--OLLAMA_NUM_PARALLEL=64");
        }
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        reading = Thread.ofVirtual().start(this::read);
    }

    /** Starts the server with the container's heap and buffer sizes. */
    static ServerProcess withHeap(String size, URI ollama, String... settings) throws IOException {
        List<String> options = List.of(
                "-Xmx" + size,
                "-XX:MaxDirectMemorySize=96m",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dio.netty.noUnsafe=false");
        return new ServerProcess(options, ollama, settings);
    }

    URI uri(String path) throws Exception {
        return URI.create("http://127.0.0.1:" + port.get(60, TimeUnit.SECONDS) + path);
    }

    /** The memory that the process has now, in bytes. */
    long residentBytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
            Matcher resident = RESIDENT.matcher(line);
            if (resident.matches()) {
                return Long.parseLong(resident.group(1)) * 1024;
            }
        }
        throw new IOException("no VmRSS");
    }

    /** Sends SIGTERM. Process.destroy would also close its output. */
    void terminate() {
        process.toHandle().destroy();
    }

    /** Sends SIGKILL. */
    void kill() {
        process.destroyForcibly();
    }

    int exitCode() throws InterruptedException {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new AssertionError("still running: " + output());
        }
        reading.join();
        return process.exitValue();
    }

    synchronized String output() {
        return String.join("\n", output);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                add(line);
                Matcher started = STARTED.matcher(line);
                if (started.find()) {
                    port.complete(Integer.valueOf(started.group(1)));
                }
            }
        } catch (IOException e) {
            // the process has ended
        }
        port.completeExceptionally(new IllegalStateException("the server ended: " + output()));
    }

    private synchronized void add(String line) {
        output.add(line);
    }
}
