package dev.localllm.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Connections as the operating system sees them, on Linux. */
final class SocketTable {

    private static final String TIME_WAIT = "06";
    private static final String LISTEN = "0A";

    private SocketTable() {}

    /** Number of sockets connected to or from that port, both ends counted, without those in TIME_WAIT. */
    static long open(int port) throws IOException {
        String suffix = ":" + String.format(Locale.ROOT, "%04X", port);
        long count = 0;
        for (String table : new String[] {"/proc/net/tcp", "/proc/net/tcp6"}) {
            count += Files.readAllLines(Path.of(table)).stream()
                    .map(line -> line.strip().split("\\s+"))
                    .filter(cells -> cells.length > 3 && (cells[1].endsWith(suffix) || cells[2].endsWith(suffix)))
                    .filter(cells -> !cells[3].equals(TIME_WAIT) && !cells[3].equals(LISTEN))
                    .count();
        }
        return count;
    }
}
