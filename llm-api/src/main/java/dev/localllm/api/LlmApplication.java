package dev.localllm.api;

import dev.localllm.api.config.InvalidSettingException;
import dev.localllm.api.config.Settings;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.reactive.StandardReactiveWebEnvironment;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.SimpleCommandLinePropertySource;

/** Reads the settings, then starts the server with them. */
@SpringBootApplication
public class LlmApplication {

    private static final int EXIT_INVALID_SETTING = 2;

    public static void main(String[] args) {
        try {
            start(args);
        } catch (InvalidSettingException e) {
            System.err.println(e.getMessage());
            System.exit(EXIT_INVALID_SETTING);
        }
    }

    /**
     * Starts a server of its own; closing the context stops it.
     *
     * @param args {@code --NAME=value} takes precedence over the environment variable of that name
     * @throws InvalidSettingException if a setting is missing or wrong; nothing has been started then
     */
    public static ConfigurableApplicationContext start(String... args) {
        ConfigurableEnvironment environment = new StandardReactiveWebEnvironment();
        environment.getPropertySources().addFirst(new SimpleCommandLinePropertySource(args));
        Settings settings = Settings.from(environment::getProperty);

        SpringApplication application = new SpringApplication(LlmApplication.class);
        application.setDefaultProperties(springProperties(settings));
        application.addInitializers(context -> context.getBeanFactory().registerSingleton("settings", settings));
        return application.run();
    }

    private static Map<String, Object> springProperties(Settings settings) {
        return Map.of(
                "server.port", settings.serverPort(),
                "management.server.port", settings.managementPort(),
                "spring.http.codecs.max-in-memory-size", settings.maxBodySize().toBytes() + "B");
    }
}
