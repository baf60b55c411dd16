package dev.localllm.ollama.simulator;

/**
 * Settings of a simulator.
 *
 * @param port on loopback; 0 for any free port
 * @param tokensPerSecond pace of each response; 0 for as fast as the client reads
 */
public record SimulatorSettings(int port, int tokensPerSecond) {

    public static SimulatorSettings unpaced() {
        return new SimulatorSettings(0, 0);
    }

    public static SimulatorSettings atPace(int tokensPerSecond) {
        return new SimulatorSettings(0, tokensPerSecond);
    }
}
