package dev.localllm.api.openai;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.springframework.core.io.buffer.DataBuffer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Comments in one stream wherever it is silent, so that no proxy takes it for dead. A frame costs no more than a note
 * of the time: a timer looks after the interval whether one is due.
 */
final class Heartbeats {

    /** Late enough for what fails at once to have its own status, which the first byte takes away. */
    private static final Duration FIRST = Duration.ofSeconds(5);

    private final Duration interval;
    private final Supplier<DataBuffer> comment;
    private final LongSupplier clock;
    private volatile long lastSent;
    private volatile boolean begun;

    Heartbeats(Duration interval, Supplier<DataBuffer> comment, LongSupplier clock) {
        this.interval = interval;
        this.comment = comment;
        this.clock = clock;
        this.lastSent = clock.getAsLong();
    }

    /** True once something was sent: from then on a failure can only be told in the stream. */
    boolean begun() {
        return begun;
    }

    /**
     * The frames with comments among them.
     *
     * @param over ends both with its failure; it must not complete
     */
    Flux<DataBuffer> among(Flux<DataBuffer> frames, Mono<DataBuffer> over) {
        Sinks.Empty<Void> end = Sinks.empty();
        Flux<DataBuffer> timed = Flux.merge(1, comments(), over).takeUntilOther(end.asMono());
        return Flux.merge(1, frames.doOnNext(frame -> sent()).doOnComplete(end::tryEmitEmpty), timed);
    }

    /** A reader who is too slow even for the frames gets none. */
    private Flux<DataBuffer> comments() {
        return Mono.defer(() -> Mono.delay(Duration.ofNanos(left())))
                .repeat()
                .filter(tick -> due())
                .onBackpressureDrop()
                .map(tick -> comment.get());
    }

    private boolean due() {
        boolean due = left() == 0;
        if (due) {
            sent();
        }
        return due;
    }

    private long left() {
        Duration allowed = begun || interval.compareTo(FIRST) < 0 ? interval : FIRST;
        return Math.max(0, allowed.toNanos() - (clock.getAsLong() - lastSent));
    }

    private void sent() {
        lastSent = clock.getAsLong();
        begun = true;
    }
}
