package dev.localllm.ollama.simulator;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Loads models and limits what they work on, as Ollama's scheduler does: requests for a model that is loaded, or is being
 * loaded, wait for it without bound; requests that need another load wait one behind the other, and a bounded number of
 * them. Another context length needs a load, too. A model that has to make room is unloaded when its running requests have
 * ended. A request that leaves during the load that it has caused aborts the load. Thread-safe.
 */
final class Runners {

    private static final Duration DEFAULT_KEEP_ALIVE = Duration.ofMinutes(5);
    private static final Duration FOR_EVER = Duration.ofDays(365L * 290);

    private final SimulatorSettings settings;
    private final InstantSource clock;
    private final Map<SimulatedModel, Runner> loaded = new EnumMap<>(SimulatedModel.class);
    private final Deque<Request> queue = new ArrayDeque<>();

    /** Taken from the queue: it waits for room, or for its load. */
    private @Nullable Request current;

    /** Wait for the load of the current request. */
    private final List<Request> joined = new ArrayList<>();

    private int loads;

    Runners(SimulatorSettings settings, InstantSource clock) {
        this.settings = settings;
        this.clock = clock;
    }

    /** A loaded model. */
    private static final class Runner {

        private final SimulatedModel model;
        private final int contextTokens;
        private final Deque<Request> waiting = new ArrayDeque<>();
        private int running;
        private Duration keepAlive = DEFAULT_KEEP_ALIVE;
        private Instant idleSince;

        private Runner(SimulatedModel model, int contextTokens, Instant now) {
            this.model = model;
            this.contextTokens = contextTokens;
            this.idleSince = now;
        }

        private boolean isIdle() {
            return running == 0 && waiting.isEmpty();
        }

        private Instant expiry(Instant now) {
            return (isIdle() ? idleSince : now).plus(keepAlive.isNegative() ? FOR_EVER : keepAlive);
        }
    }

    /** A request for a model. */
    final class Request {

        private final SimulatedModel model;
        private final int contextTokens;
        private final @Nullable Duration keepAlive;
        private final MonoSink<Request> sink;
        private final Instant arrival = clock.instant();
        private Instant assigned = arrival;
        private Instant started = arrival;
        private @Nullable Disposable load;
        private @Nullable Runner runner;
        private boolean runs;

        private Request(SimulatedModel model, int contextTokens, @Nullable Duration keepAlive, MonoSink<Request> sink) {
            this.model = model;
            this.contextTokens = contextTokens;
            this.keepAlive = keepAlive;
            this.sink = sink;
        }

        /** Ollama's load_duration: the time until a loaded model had the request, loads of other models included. */
        Duration loadTime() {
            return Duration.between(arrival, assigned);
        }

        /** The time until the model began to work on the request. */
        Duration waitTime() {
            return Duration.between(arrival, started);
        }

        /** The request has ended or is cancelled, in any phase. Idempotent. */
        void release() {
            end(this);
        }

        private boolean fits(SimulatedModel other, int tokens) {
            return model == other && contextTokens == tokens;
        }
    }

    /**
     * Emits when the model is loaded and begins to work on the request. Fails with a {@link Refusal} if too many wait.
     *
     * @param keepAlive how long the model stays loaded after the request; negative for ever, null for as long as before
     */
    Mono<Request> acquire(SimulatedModel model, int contextTokens, @Nullable Duration keepAlive) {
        return Mono.create(sink -> {
            Request request = new Request(model, contextTokens, keepAlive, sink);
            sink.onCancel(request::release);
            if (!enter(request)) {
                sink.error(new Refusal(503, "server busy, please try again.  maximum pending requests exceeded"));
            }
            goOn();
        });
    }

    /** Unloads the model as soon as it is idle. */
    void unload(SimulatedModel model) {
        synchronized (this) {
            Runner runner = loaded.get(model);
            if (runner != null) {
                runner.keepAlive = Duration.ZERO;
            }
        }
        goOn();
    }

    /** Number of loads that have begun so far. */
    synchronized int loads() {
        return loads;
    }

    /** What is loaded now. */
    synchronized List<SimulatorWire.RunningModel> list() {
        unloadExpired();
        Instant now = clock.instant();
        List<SimulatorWire.RunningModel> models = new ArrayList<>();
        for (Runner runner : loaded.values()) {
            models.add(runner.model.process(SimulatorWire.time(runner.expiry(now)), runner.contextTokens));
        }
        return models;
    }

    private synchronized boolean enter(Request request) {
        unloadExpired();
        Runner runner = loaded.get(request.model);
        if (runner != null && request.fits(runner.model, runner.contextTokens)) {
            assign(request, runner, clock.instant());
            return true;
        }
        if (current != null && current.load != null && current.fits(request.model, request.contextTokens)) {
            joined.add(request);
            return true;
        }
        if (current != null && queue.size() >= settings.maxQueue()) {
            return false;
        }
        queue.add(request);
        return true;
    }

    private void end(Request request) {
        synchronized (this) {
            queue.remove(request);
            joined.remove(request);
            if (request == current) {
                current = null;
                if (request.load != null) {
                    request.load.dispose();
                }
                joined.reversed().forEach(queue::addFirst);
                joined.clear();
            }
            Runner runner = request.runner;
            if (runner != null) {
                request.runner = null;
                runner.waiting.remove(request);
                runner.running -= request.runs ? 1 : 0;
                runner.idleSince = clock.instant();
            }
        }
        goOn();
    }

    /** Starts what can start now. */
    private void goOn() {
        List<Request> starting = new ArrayList<>();
        synchronized (this) {
            do {
                unloadExpired();
            } while (takeNext());
            for (Runner runner : loaded.values()) {
                while (!runner.waiting.isEmpty()
                        && (settings.parallel() == 0 || runner.running < settings.parallel())) {
                    Request next = runner.waiting.remove();
                    next.runs = true;
                    next.started = clock.instant();
                    runner.running++;
                    starting.add(next);
                }
            }
        }
        starting.forEach(request -> request.sink.success(request));
    }

    /** Handles the current request as far as possible. True if there may be another one to handle. */
    private boolean takeNext() {
        if (current == null) {
            current = queue.poll();
        }
        Request request = current;
        if (request == null || request.load != null) {
            return false;
        }
        Runner runner = loaded.get(request.model);
        if (runner != null && request.fits(runner.model, runner.contextTokens)) {
            current = null;
            assign(request, runner, clock.instant());
            return true;
        }
        if (!makeRoom(runner)) {
            return false;
        }
        loads++;
        if (settings.loadTime().isZero()) {
            load(request);
            return true;
        }
        request.load = Mono.delay(settings.loadTime()).subscribe(tick -> onLoaded(request));
        return false;
    }

    private void onLoaded(Request request) {
        synchronized (this) {
            if (request != current) {
                return; // it has left
            }
            load(request);
        }
        goOn();
    }

    private void load(Request request) {
        Instant now = clock.instant();
        Runner runner = new Runner(request.model, request.contextTokens, now);
        loaded.put(request.model, runner);
        current = null;
        assign(request, runner, now);
        joined.forEach(other -> assign(other, runner, now));
        joined.clear();
    }

    private void assign(Request request, Runner runner, Instant now) {
        request.runner = runner;
        request.assigned = now;
        runner.waiting.add(request);
        if (request.keepAlive != null) {
            runner.keepAlive = request.keepAlive;
        }
    }

    /** @param same the same model with another context length, or null */
    private boolean makeRoom(@Nullable Runner same) {
        Runner victim = same;
        if (victim == null && settings.maxLoaded() > 0 && loaded.size() >= settings.maxLoaded()) {
            Runner oldest = loaded.values().iterator().next();
            victim = loaded.values().stream().filter(Runner::isIdle).findFirst().orElse(oldest);
        }
        if (victim == null) {
            return true;
        }
        if (victim.isIdle()) {
            loaded.remove(victim.model);
        }
        return victim.isIdle();
    }

    private void unloadExpired() {
        Instant now = clock.instant();
        loaded.values()
                .removeIf(runner -> runner.isIdle() && !runner.expiry(now).isAfter(now));
    }
}
