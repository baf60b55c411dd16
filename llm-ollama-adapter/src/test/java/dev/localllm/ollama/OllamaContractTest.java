package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.catalog.ModelCatalogContract;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatModelContract;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The ports' promises, kept with the simulator always, and with a real Ollama when one is named. */
class OllamaContractTest {

    private static final OllamaSimulator SIMULATOR = OllamaSimulator.start(SimulatorSettings.unpaced());
    private static final ModelId SIMULATED = new ModelId(OllamaSimulator.CHAT_MODEL);
    private static final Ollama TO_SIMULATOR = new Ollama(Answers.settings(SIMULATOR.baseUrl()), System::nanoTime);

    @AfterAll
    static void close() {
        TO_SIMULATOR.close();
        SIMULATOR.close();
    }

    @Nested
    class SimulatorChats extends ChatModelContract {
        @Override
        protected ChatModel chatModel() {
            return TO_SIMULATOR.chatModel();
        }

        @Override
        protected ModelId model() {
            return SIMULATED;
        }
    }

    @Nested
    class SimulatorCatalog extends ModelCatalogContract {
        @Override
        protected ModelCatalog catalog() {
            return TO_SIMULATOR.modelCatalog();
        }

        @Override
        protected ModelId model() {
            return SIMULATED;
        }
    }

    @Nested
    @EnabledIfEnvironmentVariable(named = "OLLAMA_CONTRACT_URL", matches = ".+")
    class RealChats extends ChatModelContract {
        @Override
        protected ChatModel chatModel() {
            return real().chatModel();
        }

        @Override
        protected ModelId model() {
            return realModel();
        }
    }

    @Nested
    @EnabledIfEnvironmentVariable(named = "OLLAMA_CONTRACT_URL", matches = ".+")
    class RealCatalog extends ModelCatalogContract {
        @Override
        protected ModelCatalog catalog() {
            return real().modelCatalog();
        }

        @Override
        protected ModelId model() {
            return realModel();
        }
    }

    private static Ollama real() {
        return new Ollama(Answers.settings(URI.create(System.getenv("OLLAMA_CONTRACT_URL"))), System::nanoTime);
    }

    private static ModelId realModel() {
        return new ModelId(System.getenv("OLLAMA_CONTRACT_MODEL"));
    }
}
