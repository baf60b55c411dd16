package dev.localllm.api.logging;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/** Writes times in ISO 8601 with milliseconds. Formats each second once. Thread-safe. */
final class LogTime {

    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.");
    private static final DateTimeFormatter OFFSET = DateTimeFormatter.ofPattern("XXX");

    private final ZoneId zone;
    private volatile Second last = new Second(Long.MIN_VALUE, "", "");

    /** @param before the text before the milliseconds */
    private record Second(long epochSecond, String before, String offset) {}

    LogTime(ZoneId zone) {
        this.zone = zone;
    }

    void append(StringBuilder line, Instant time) {
        Second second = last;
        if (second.epochSecond != time.getEpochSecond()) {
            var zoned = time.atZone(zone);
            second = new Second(time.getEpochSecond(), SECONDS.format(zoned), OFFSET.format(zoned));
            last = second;
        }
        int millis = time.getNano() / 1_000_000;
        line.append(second.before)
                .append((char) ('0' + millis / 100))
                .append((char) ('0' + millis / 10 % 10))
                .append((char) ('0' + millis % 10))
                .append(second.offset);
    }
}
