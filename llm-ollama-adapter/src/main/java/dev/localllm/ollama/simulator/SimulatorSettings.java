package dev.localllm.ollama.simulator;

/**
 * How a simulator behaves.
 *
 * @param port on loopback; 0 for any that is free
 * @param tokensPerSecond of each answer; 0 for as fast as the caller reads
 */
public record SimulatorSettings(int port, int tokensPerSecond) {

    public static SimulatorSettings unpaced() {
        return new SimulatorSettings(0, 0);
    }

    public static SimulatorSettings atPace(int tokensPerSecond) {
        return new SimulatorSettings(0, tokensPerSecond);
    }
}
