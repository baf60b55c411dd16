package dev.localllm.ollama;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Responds to every request with the same bytes, except to loads of models if they are to succeed, then ends its side of the connection and waits until the client closes
 * the other. Thread-safe.
 */
public final class CannedServer implements AutoCloseable {

    private static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** Closes the connection: the next request must not come over it. */
    public static final byte[] LOADED = new String(
                    Recording.load("01-chat-load").response(), StandardCharsets.UTF_8)
            .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8);

    private static final Pattern CONTENT_LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

    private final ServerSocket listening;
    private final boolean ends;
    private final boolean loads;
    private final Set<Socket> connections = new HashSet<>();
    private byte[] response;
    private String request = "";

    public CannedServer(byte[] response) {
        this(response, true, false);
    }

    /** @param ends false: the connection stays open after the response */
    CannedServer(byte[] response, boolean ends) {
        this(response, ends, false);
    }

    private CannedServer(byte[] response, boolean ends, boolean loads) {
        this.response = response;
        this.ends = ends;
        this.loads = loads;
        try {
            listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    /** A server that loads every model. */
    public static CannedServer thatLoads(byte[] response) {
        return new CannedServer(response, true, true);
    }

    public URI baseUrl() {
        return URI.create("http://127.0.0.1:" + listening.getLocalPort());
    }

    /**
     * Changes the response for later requests. First waits until the clients have closed all connections: none of them
     * can serve a later request.
     */
    public synchronized void respondWith(byte[] next) throws InterruptedException {
        long end = System.nanoTime() + TIMEOUT_NANOS;
        while (!connections.isEmpty()) {
            long rest = end - System.nanoTime();
            if (rest <= 0) {
                throw new AssertionError("connections are open: " + connections);
            }
            TimeUnit.NANOSECONDS.timedWait(this, rest);
        }
        response = next;
    }

    /** The last request: headers and body. */
    public synchronized String request() {
        return request;
    }

    @Override
    public void close() {
        try {
            listening.close();
            for (Socket connection : connections()) {
                connection.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept() {
        while (true) {
            try {
                Socket connection = listening.accept();
                add(connection);
                Thread.ofVirtual().start(() -> serve(connection));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            String received = receive(connection.getInputStream());
            connection.getOutputStream().write(responseTo(received));
            if (ends) {
                connection.shutdownOutput();
            }
            connection.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            // the client, or this server, closed the connection
        } finally {
            remove(connection);
        }
    }

    private static String receive(InputStream in) throws IOException {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        do {
            int count = in.read(part);
            if (count < 0) {
                throw new IOException("no complete request");
            }
            received.write(part, 0, count);
        } while (!isComplete(received.toString(StandardCharsets.ISO_8859_1)));
        return received.toString(StandardCharsets.UTF_8);
    }

    private static boolean isComplete(String bytes) {
        int head = bytes.indexOf("\r\n\r\n");
        if (head < 0) {
            return false;
        }
        Matcher length = CONTENT_LENGTH.matcher(bytes.substring(0, head));
        return !length.find() || bytes.length() - head - 4 >= Integer.parseInt(length.group(1));
    }

    private synchronized byte[] responseTo(String received) {
        if (loads && received.contains("\"messages\":[]")) {
            return LOADED;
        }
        request = received;
        return response;
    }

    private synchronized void add(Socket connection) {
        connections.add(connection);
    }

    private synchronized void remove(Socket connection) {
        connections.remove(connection);
        notifyAll();
    }

    private synchronized Set<Socket> connections() {
        return Set.copyOf(connections);
    }
}
