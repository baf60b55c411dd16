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

/** One request over a socket of its own, for clients that leave, stall or lie. */
public final class RawRequest implements AutoCloseable {

    static final int PATIENCE_MILLIS = 10_000;

    private static final Pattern CONTENT_LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

    private final Socket socket;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();

    private RawRequest(Socket socket) {
        this.socket = socket;
    }

    public static RawRequest open(URI server) throws IOException {
        Socket socket = new Socket(server.getHost(), server.getPort());
        socket.setSoTimeout(PATIENCE_MILLIS);
        return new RawRequest(socket);
    }

    /** A client that has a small buffer, so that it soon takes no more. */
    static RawRequest openNarrow(URI server) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.setSoTimeout(PATIENCE_MILLIS);
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
        String body = "{\"stream\":" + stream + ",\"messages\":[{\"role\":\"user\",\"content\":\"" + question + "\"}]}";
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-request-id: " + id
                + "\r\nContent-Type: application/json\r\nContent-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body;
    }

    public RawRequest send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
        return this;
    }

    /** True if something came, or the connection ended, within the socket's time-out. */
    boolean hasMore() throws IOException {
        try {
            int read = socket.getInputStream().read();
            received.write(Math.max(0, read));
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    /** Drops what was received. */
    public void forget() {
        received.reset();
    }

    Socket socket() {
        return socket;
    }

    /** Reads on until the text has come; false if the connection ended before, however. */
    public boolean readUntil(String text) throws IOException {
        while (!received().contains(text)) {
            if (!readMore()) {
                return false;
            }
        }
        return true;
    }

    /** All that came until the answer was over or the connection was, however. */
    public String readAll() throws IOException {
        while (!isComplete() && readMore()) {
            // on it goes
        }
        return received();
    }

    /** As {@link #readAll}, at most so many bytes at a time with a pause after each. */
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

    /** As a client that is killed: the connection is reset. */
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
            throw new AssertionError("nothing came for " + PATIENCE_MILLIS + " ms", e);
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
