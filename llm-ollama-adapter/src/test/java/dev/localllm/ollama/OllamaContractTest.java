package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.catalog.ModelCatalogContract;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatModelContract;
import dev.localllm.core.chat.CompletionRequest;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.GenerationRequest;
import dev.localllm.core.embedding.EmbeddingModel;
import dev.localllm.core.embedding.EmbeddingModelContract;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The contracts of the ports, always against the simulator, and against a real Ollama if one is configured. */
class OllamaContractTest {

    /** First-token timeout for a real model that must be loaded. */
    private static final Duration COLD_START = Duration.ofMinutes(10);

    private static final OllamaSimulator SIMULATOR = OllamaSimulator.start(SimulatorSettings.unpaced());
    private static final Target SIMULATED = Target.of(SIMULATOR.baseUrl(), OllamaSimulator.CHAT_MODEL, Answers.TIMEOUT);
    private static final Optional<Target> REAL = Optional.ofNullable(System.getenv("OLLAMA_CONTRACT_URL"))
            .map(url -> Target.of(URI.create(url), System.getenv("OLLAMA_CONTRACT_MODEL"), COLD_START));

    @AfterAll
    static void close() {
        REAL.ifPresent(Target::close);
        SIMULATED.close();
        SIMULATOR.close();
    }

    @Test
    void waitsForAColdModelAsLongAsItsTarget() {
        Duration given = Duration.ofMillis(300);
        try (OllamaSimulator silent = OllamaSimulator.start(SimulatorSettings.unpaced());
                Target target = Target.of(silent.baseUrl(), OllamaSimulator.CHAT_MODEL, given)) {
            silent.script(new Fault.NeverAnswers());

            DeadlineExceeded failure =
                    (DeadlineExceeded) Answers.from(target.ollama(), "Hello").failure();

            assertThat(failure.deadline()).isEqualTo(Deadline.FIRST_TOKEN);
            assertThat(failure.message()).contains("300 ms");
            assertThat(target.timeout()).isGreaterThan(given);
        }
    }

    @Nested
    class SimulatorChats extends ChatContract {
        SimulatorChats() {
            super(SIMULATED);
        }
    }

    @Nested
    class ThinkingChats extends ChatContract {
        ThinkingChats() {
            super(SIMULATED);
        }

        @Override
        protected ChatModel chatModel() {
            return thinkingFirst(super.chatModel());
        }
    }

    @Nested
    class SimulatorCompletions extends CompletionContract {
        SimulatorCompletions() {
            super(SIMULATED);
        }
    }

    @Nested
    class SimulatorEmbeddings extends EmbeddingContract {
        SimulatorEmbeddings() {
            super(SIMULATED, OllamaSimulator.EMBED_MODEL);
        }
    }

    @Nested
    class SimulatorCatalog extends CatalogContract {
        SimulatorCatalog() {
            super(SIMULATED);
        }
    }

    @Nested
    @EnabledIfEnvironmentVariable(named = "OLLAMA_CONTRACT_URL", matches = ".+")
    class RealChats extends ChatContract {
        RealChats() {
            super(REAL.orElseThrow());
        }
    }

    @Nested
    @EnabledIfEnvironmentVariable(named = "OLLAMA_CONTRACT_URL", matches = ".+")
    class RealCompletions extends CompletionContract {
        RealCompletions() {
            super(REAL.orElseThrow());
        }
    }

    @Nested
    @EnabledIfEnvironmentVariable(named = "OLLAMA_CONTRACT_URL", matches = ".+")
    class RealCatalog extends CatalogContract {
        RealCatalog() {
            super(REAL.orElseThrow());
        }
    }

    @Nested
    @EnabledIfEnvironmentVariable(named = "OLLAMA_CONTRACT_EMBED_MODEL", matches = ".+")
    class RealEmbeddings extends EmbeddingContract {
        RealEmbeddings() {
            super(REAL.orElseThrow(), System.getenv("OLLAMA_CONTRACT_EMBED_MODEL"));
        }
    }

    /** An Ollama under test. The contract's timeout follows from the adapter's. */
    record Target(OllamaSettings settings, Ollama ollama, ModelId model) implements AutoCloseable {

        static Target of(URI baseUrl, String model, Duration firstToken) {
            OllamaSettings settings =
                    Answers.settings(baseUrl, firstToken, Answers.TIMEOUT, 16, Duration.ofSeconds(10));
            return new Target(settings, new Ollama(settings, System::nanoTime), new ModelId(model));
        }

        /** Twice the first-token timeout: once for the first token, once for the others. */
        Duration timeout() {
            return settings.limits().firstTokenTimeout().multipliedBy(2);
        }

        @Override
        public void close() {
            ollama.close();
        }
    }

    abstract static class ChatContract extends ChatModelContract {

        private final Target target;

        ChatContract(Target target) {
            this.target = target;
        }

        @Override
        protected ChatModel chatModel() {
            return target.ollama().chatModel();
        }

        @Override
        protected ModelId model() {
            return target.model();
        }

        @Override
        protected Duration timeout() {
            return target.timeout();
        }
    }

    abstract static class CompletionContract extends ChatContract {

        CompletionContract(Target target) {
            super(target);
        }

        @Override
        protected GenerationRequest request(String prompt, GenerationOptions options) {
            return new CompletionRequest(prompt, null, options);
        }
    }

    abstract static class EmbeddingContract extends EmbeddingModelContract {

        private final Target target;
        private final ModelId model;

        EmbeddingContract(Target target, String model) {
            this.target = target;
            this.model = new ModelId(model);
        }

        @Override
        protected EmbeddingModel embeddingModel() {
            return target.ollama().embeddingModel();
        }

        @Override
        protected ModelId model() {
            return model;
        }

        @Override
        protected Duration timeout() {
            return target.timeout();
        }
    }

    abstract static class CatalogContract extends ModelCatalogContract {

        private final Target target;

        CatalogContract(Target target) {
            this.target = target;
        }

        @Override
        protected ModelCatalog catalog() {
            return target.ollama().modelCatalog();
        }

        @Override
        protected ModelId model() {
            return target.model();
        }
    }

    /**
     * Turns the first 40 tokens into thinking: more than most token limits of the contract, fewer than a greeting has.
     */
    private static ChatModel thinkingFirst(ChatModel model) {
        return new ChatModel() {
            @Override
            public Generation open(ModelId id, GenerationRequest request) {
                Generation generation = model.open(id, request);
                AtomicInteger tokens = new AtomicInteger();
                return new Generation(
                        generation
                                .events()
                                .map(events -> events.stream()
                                        .map(event -> tokens.incrementAndGet() > 40 ? event : thought(event))
                                        .toList()),
                        generation.closed());
            }

            @Override
            public Generation load(ModelId id) {
                return model.load(id);
            }
        };
    }

    private static ChatEvent thought(ChatEvent event) {
        return event instanceof TextDelta delta ? new ThinkingDelta(delta.text()) : event;
    }
}
