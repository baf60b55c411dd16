package dev.localllm.api.openai;

import dev.localllm.core.admission.Place;
import dev.localllm.core.catalog.ModelId;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The comment that a silent stream of Server-Sent Events sends; clients ignore it. */
public final class Heartbeat {

    private static final byte[] WAITING = utf8(": waiting\n\n");

    private Heartbeat() {}

    /**
     * The comment, in UTF-8. The array is shared: never write to it.
     *
     * @param place what the request waits for; null if it waits for the model server's answer only
     */
    public static byte[] comment(@Nullable Place place, ModelId model) {
        return place == null ? WAITING : utf8(text(place, model));
    }

    private static String text(Place place, ModelId model) {
        StringBuilder comment = new StringBuilder(":");
        if (place.position() > 0) {
            comment.append(" queue position=").append(place.position());
        }
        Duration wait = place.expectedWait();
        if (wait != null) {
            comment.append(" eta=").append(Math.ceilDiv(wait.toMillis(), 1000)).append('s');
        }
        if (place.loading()) {
            comment.append(" loading model=").append(model);
        }
        return comment.append("\n\n").toString();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
