package dev.localllm.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One request over its own socket, for clients that disconnect, stall or send invalid data. */
public final class RawRequest implements AutoCloseable {

    static final int TIMEOUT_MILLIS = 10_000;

    private static final Pattern CONTENT_LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

    private final Socket socket;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();

    private RawRequest(Socket socket) {
        this.socket = socket;
    }

    public static RawRequest open(URI server) throws IOException {
        Socket socket = new Socket(server.getHost(), server.getPort());
        socket.setSoTimeout(TIMEOUT_MILLIS);
        return new RawRequest(socket);
    }

    /** A client with a small receive buffer, which is soon full. */
    static RawRequest openNarrow(URI server) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.connect(new InetSocketAddress(server.getHost(), server.getPort()));
        return new RawRequest(socket);
    }

    static RawRequest chat(URI server, boolean stream, String question) throws IOException {
        return open(server).send(chat(stream, question));
    }

    static String chat(boolean stream, String question) {
        return chat(stream, question, "test");
    }

    static String chat(boolean stream, String question, String id) {
        return chat("\"stream\":" + stream, question, id);
    }

    /** A request that names its model. */
    static String chatWith(String model, boolean stream, String question) {
        return chatWith(model, stream, question, "test");
    }

    static String chatWith(String model, boolean stream, String question, String id) {
        return chat("\"model\":\"" + model + "\",\"stream\":" + stream, question, id);
    }

    private static String chat(String fields, String question, String id) {
        String body = "{" + fields + ",\"messages\":[{\"role\":\"user\",\"content\":\"" + question + "\"}]}";
        return post("/v1/chat/completions", body, id);
    }

    static String completion(boolean stream, String prompt, String id) {
        return post("/v1/completions", "{\"stream\":" + stream + ",\"prompt\":\"" + prompt + "\"}", id);
    }

    static String post(String path, String body, String id) {
        return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nx-request-id: " + id
                + "\r\nContent-Type: application/json\r\nContent-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body;
    }

    public RawRequest send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
        return this;
    }

    /** True if data came, or the connection ended, within the socket's timeout. */
    boolean hasMore() throws IOException {
        try {
            int read = socket.getInputStream().read();
            received.write(Math.max(0, read));
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    /** Clears the received text. */
    public void clearReceived() {
        received.reset();
    }

    Socket socket() {
        return socket;
    }

    /** Reads until the text has arrived. False if the connection ended or was reset before. */
    public boolean readUntil(String text) throws IOException {
        while (!received().contains(text)) {
            if (!readMore()) {
                return false;
            }
        }
        return true;
    }

    /** Reads to the end of the response, or until the connection ended or was reset. */
    public String readAll() throws IOException {
        while (!isComplete() && readMore()) {
            // reading continues
        }
        return received();
    }

    /** Like {@link #readAll}, but reads slowly: a limited number of bytes, then a pause. */
    String readSlowly(int bytes, Duration pause) throws IOException, InterruptedException {
        while (!isComplete() && readMore(bytes)) {
            Thread.sleep(pause);
        }
        return received();
    }

    public String received() {
        return received.toString(StandardCharsets.UTF_8);
    }

    int status() {
        String text = received();
        return text.startsWith("HTTP/1.1 ") ? Integer.parseInt(text.substring(9, 12)) : 0;
    }

    /** Resets the connection, as if the client were killed. */
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private boolean readMore() throws IOException {
        return readMore(8192);
    }

    private boolean readMore(int bytes) throws IOException {
        byte[] read = new byte[bytes];
        try {
            int count = socket.getInputStream().read(read);
            received.write(read, 0, Math.max(0, count));
            return count >= 0;
        } catch (SocketTimeoutException e) {
            throw new AssertionError("nothing came for " + TIMEOUT_MILLIS + " ms", e);
        } catch (SocketException e) {
            return false;
        }
    }

    private boolean isComplete() {
        String text = received();
        int head = text.indexOf("\r\n\r\n");
        if (head < 0 || text.endsWith("\r\n0\r\n\r\n")) {
            return head >= 0;
        }
        Matcher length = CONTENT_LENGTH.matcher(text.substring(0, head));
        return length.find() && received.size() - head - 4 >= Integer.parseInt(length.group(1));
    }
}
