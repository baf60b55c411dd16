package dev.localllm.ollama;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** One recorded exchange with a real Ollama, byte for byte. */
public final class Recording {

    private final byte[] request;
    private final byte[] response;

    private Recording(byte[] request, byte[] response) {
        this.request = request;
        this.response = response;
    }

    /** All recorded requests to a route, by name. */
    public static List<String> of(String requestLineStart) {
        try (Stream<Path> files =
                Files.list(Path.of(Recording.class.getResource("/recordings").toURI()))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".request.http"))
                    .map(file -> file.substring(0, file.length() - ".request.http".length()))
                    .filter(name -> new String(load(name).request, StandardCharsets.UTF_8).startsWith(requestLineStart))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public static Recording load(String name) {
        return new Recording(bytes(name + ".request.http"), bytes(name + ".response.http"));
    }

    /** Headers and body as they were sent. */
    public byte[] request() {
        return request;
    }

    /** Headers and body, including chunk sizes. */
    public byte[] response() {
        return response;
    }

    /** Such as {@code /api/chat}. */
    public String path() {
        return new String(request, StandardCharsets.UTF_8).split(" ", 3)[1];
    }

    public int status() {
        return Integer.parseInt(head().split(" ", 3)[1]);
    }

    /** Names in lower case. */
    public Map<String, String> headers() {
        Map<String, String> headers = new TreeMap<>();
        head().lines().skip(1).forEach(line -> {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        });
        return headers;
    }

    /** The body, with the chunked encoding decoded. */
    public byte[] body() {
        byte[] raw = afterHead(response);
        return "chunked".equals(headers().get("transfer-encoding")) ? joined(raw) : raw;
    }

    public List<String> lines() {
        return new String(body(), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
    }

    public byte[] requestBody() {
        return afterHead(request);
    }

    private String head() {
        return new String(response, 0, headEnd(response) - 4, StandardCharsets.UTF_8);
    }

    private static byte[] afterHead(byte[] message) {
        int end = headEnd(message);
        return Arrays.copyOfRange(message, end, message.length);
    }

    private static int headEnd(byte[] message) {
        return new String(message, StandardCharsets.ISO_8859_1).indexOf("\r\n\r\n") + 4;
    }

    private static byte[] joined(byte[] chunked) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        String text = new String(chunked, StandardCharsets.ISO_8859_1);
        int at = 0;
        while (text.indexOf("\r\n", at) > 0) {
            int sizeEnd = text.indexOf("\r\n", at);
            int size = Integer.parseInt(text.substring(at, sizeEnd), 16);
            body.write(chunked, sizeEnd + 2, Math.min(size, chunked.length - sizeEnd - 2));
            at = sizeEnd + 2 + size + 2;
        }
        return body.toByteArray();
    }

    private static byte[] bytes(String file) {
        try (InputStream in = Recording.class.getResourceAsStream("/recordings/" + file)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
