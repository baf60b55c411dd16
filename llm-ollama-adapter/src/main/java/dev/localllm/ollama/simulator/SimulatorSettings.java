package dev.localllm.ollama.simulator;

import java.time.Duration;

/**
 * Settings of a simulator.
 *
 * @param port on loopback; 0 for any free port
 * @param tokensPerSecond pace of each response; 0 for as fast as the client reads
 * @param parallel requests that one loaded model works on at once, OLLAMA_NUM_PARALLEL; 0 for no limit
 * @param maxLoaded models that are loaded side by side, OLLAMA_MAX_LOADED_MODELS; 0 for no limit
 * @param maxQueue requests that may wait for a load, OLLAMA_MAX_QUEUE
 * @param loadTime how long a load takes
 */
public record SimulatorSettings(
        int port, int tokensPerSecond, int parallel, int maxLoaded, int maxQueue, Duration loadTime) {

    private static final int DEFAULT_QUEUE = 512;

    /** No limits: everything is loaded at once and works in parallel. */
    public SimulatorSettings(int port, int tokensPerSecond) {
        this(port, tokensPerSecond, 0, 0, DEFAULT_QUEUE, Duration.ZERO);
    }

    public static SimulatorSettings unpaced() {
        return new SimulatorSettings(0, 0);
    }

    public static SimulatorSettings atPace(int tokensPerSecond) {
        return new SimulatorSettings(0, tokensPerSecond);
    }

    public SimulatorSettings withParallel(int requests) {
        return new SimulatorSettings(port, tokensPerSecond, requests, maxLoaded, maxQueue, loadTime);
    }

    public SimulatorSettings withMaxLoaded(int models) {
        return new SimulatorSettings(port, tokensPerSecond, parallel, models, maxQueue, loadTime);
    }

    public SimulatorSettings withMaxQueue(int requests) {
        return new SimulatorSettings(port, tokensPerSecond, parallel, maxLoaded, requests, loadTime);
    }

    public SimulatorSettings withLoadTime(Duration time) {
        return new SimulatorSettings(port, tokensPerSecond, parallel, maxLoaded, maxQueue, time);
    }
}
