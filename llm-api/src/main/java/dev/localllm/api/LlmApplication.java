package dev.localllm.api;

import dev.localllm.api.config.Settings;
import dev.localllm.api.lifecycle.AsyncOutput;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.api.prompt.InvalidPromptsException;
import dev.localllm.api.prompt.Prompts;
import dev.localllm.api.setting.AppEnvironment;
import dev.localllm.api.setting.InvalidSettingException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.reactive.StandardReactiveWebEnvironment;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.PropertySources;
import org.springframework.core.env.SimpleCommandLinePropertySource;

/** The entry point: reads the settings, then starts the server. */
@SpringBootApplication
public class LlmApplication {

    private static final int EXIT_INVALID_SETTING = 2;

    public static void main(String[] args) {
        AsyncOutput log = AsyncOutput.replaceStandardOutput();
        SpringApplication.getShutdownHandlers().add(log::becomeSynchronous); // after all servers are closed
        try {
            start(args);
        } catch (InvalidSettingException | InvalidPromptsException e) {
            System.err.println(e.getMessage());
            System.exit(EXIT_INVALID_SETTING);
        }
    }

    /**
     * Starts a server. Closing the returned context stops it.
     *
     * @param args {@code --NAME=value} takes precedence over the environment variable of that name
     * @throws InvalidSettingException if a setting is missing or invalid; nothing is started then
     * @throws InvalidPromptsException if prompt files have faults; nothing is started then
     */
    public static ConfigurableApplicationContext start(String... args) {
        ConfigurableEnvironment environment = new StandardReactiveWebEnvironment();
        environment.getPropertySources().addFirst(new SimpleCommandLinePropertySource(args));
        Settings settings = Settings.from(name -> value(environment.getPropertySources(), name));
        Prompts prompts =
                new Prompts(settings.chats().prompts(), settings.server().environment() == AppEnvironment.LOCAL);

        ConfigurableEnvironment spring = new StandardReactiveWebEnvironment();
        spring.getPropertySources().addFirst(springProperties(settings)); // logging is set up before initializers run
        SpringApplication application = new SpringApplication(LlmApplication.class);
        application.setEnvironment(spring);
        application.addInitializers(context -> {
            context.getBeanFactory().registerSingleton("settings", settings);
            context.getBeanFactory().registerSingleton("prompts", prompts);
        });
        return application.run();
    }

    /** The raw value; Spring's own lookup would expand <code>${…}</code> in it. */
    private static @Nullable String value(PropertySources sources, String name) {
        for (PropertySource<?> source : sources) {
            Object value = source.getProperty(name);
            if (value != null) {
                return value.toString();
            }
        }
        return null;
    }

    /** The settings that Spring needs, under Spring's names. Takes precedence over Spring's own sources of them. */
    private static PropertySource<?> springProperties(Settings settings) {
        return new MapPropertySource(
                "settings",
                Map.of(
                        "logging.structured.format.console",
                        settings.server().logFormat().formatter(),
                        "logging.structured.ecs.service.environment",
                        settings.server().environment().toString(),
                        "server.address",
                        settings.server().address(),
                        "server.port",
                        settings.server().port(),
                        "management.server.address",
                        settings.server().managementAddress(),
                        "management.server.port",
                        settings.server().managementPort(),
                        "app.docs",
                        settings.server().docs(),
                        "spring.lifecycle.timeout-per-shutdown-phase",
                        settings.connections()
                                        .shutdown()
                                        .plus(Drain.CLOSE_TIMEOUT)
                                        .toMillis() + "ms"));
    }
}
