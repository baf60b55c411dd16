package dev.localllm.api.config;

import dev.localllm.api.health.OllamaHealth;
import dev.localllm.api.health.ServerInfo;
import dev.localllm.api.openai.ResponseHeads;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.chat.ChatService;
import dev.localllm.ollama.Ollama;
import dev.localllm.ollama.OllamaSettings;
import java.time.InstantSource;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The composition root: the only place that knows which model server stands behind the ports. */
@Configuration(proxyBeanMethods = false)
class LlmConfiguration {

    private static final Logger log = LoggerFactory.getLogger(LlmConfiguration.class);

    @Bean
    OllamaLocation ollamaLocation(Settings settings) {
        return OllamaLocation.of(settings);
    }

    @Bean
    Ollama ollama(Settings settings, OllamaLocation location) {
        return new Ollama(new OllamaSettings(
                location.baseUrl(),
                settings.contextTokens(),
                settings.keepAlive(),
                settings.connectTimeout(),
                settings.maxConcurrentRequests()));
    }

    @Bean
    ModelDirectory modelDirectory(Settings settings, Ollama ollama) {
        return new ModelDirectory(ollama.modelCatalog(), settings.allowedModels(), settings.modelName());
    }

    @Bean
    ChatService chatService(Settings settings, Ollama ollama, ModelDirectory models) {
        return new ChatService(models, ollama.chatModel(), settings.promptLimits(), settings.systemPrompt());
    }

    @Bean
    ResponseHeads responseHeads() {
        return new ResponseHeads(
                InstantSource.system(), () -> UUID.randomUUID().toString().replace("-", ""));
    }

    @Bean
    OllamaHealth ollamaHealthIndicator(ModelDirectory models, Settings settings) {
        return new OllamaHealth(models, settings.modelName());
    }

    @Bean
    ServerInfo serverInfo(Settings settings, @Value("${app.version}") String version) {
        return new ServerInfo(settings.environment().toString(), version, settings.revision());
    }

    @Bean
    ApplicationListener<ApplicationReadyEvent> startReport(ServerInfo server, OllamaLocation ollama) {
        return event -> {
            String port = event.getApplicationContext().getEnvironment().getProperty("local.server.port");
            log.info("local-llm-server {} ({}) on port {}", server.version(), server.environment(), port);
            if (ollama.simulator() == null) {
                log.info("{}", ollama.description());
            } else {
                log.warn("{}", ollama.description());
            }
            log.warn("Read and checked, but not enforced yet: RATE_LIMIT_RPM, ALLOWED_ORIGINS, TRUSTED_PROXIES,"
                    + " CLIENT_ID_HEADER, OLLAMA_NUM_PARALLEL.");
        };
    }
}
