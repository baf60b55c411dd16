package dev.localllm.api;

import dev.localllm.core.admission.Place;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.admission.Receipt;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A request that has its permit. */
public class FakeQueued implements Queued {

    @Override
    public @Nullable Place place() {
        return null;
    }

    @Override
    public Receipt receipt() {
        return new Receipt(Duration.ofMillis(1500), Duration.ofMillis(250), Duration.ZERO, true);
    }
}
