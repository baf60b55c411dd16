package dev.localllm.api.setting;

import dev.localllm.api.setting.Defaults.Default;
import dev.localllm.api.setting.Defaults.Required;
import dev.localllm.api.setting.Defaults.SameAs;
import dev.localllm.api.setting.Defaults.Unavailable;
import dev.localllm.api.setting.Defaults.Value;
import dev.localllm.api.setting.Defaults.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads settings from environment variables. Every read declares its setting, so the list of declarations is complete. A blank variable counts as not set. Not thread-safe.
 */
public final class Variables {

    private final Function<String, @Nullable String> lookup;
    private final List<Setting<?>> declared = new ArrayList<>();
    private AppEnvironment environment = AppEnvironment.LOCAL;

    /**
     * @param lookup the value of a variable, null if it is not set
     * @param environment decides which defaults hold; read at once, with the default of local
     * @throws InvalidSettingException if the environment is invalid
     */
    public Variables(Function<String, @Nullable String> lookup, Setting<AppEnvironment> environment) {
        this.lookup = lookup;
        this.environment = get(environment);
    }

    public AppEnvironment environment() {
        return environment;
    }

    /** All settings so far, in the order of their declaration. */
    public List<Setting<?>> declared() {
        return List.copyOf(declared);
    }

    /** Declares a setting without reading it: that of another reader. */
    public void declare(Setting<?> setting) {
        if (declared.stream().anyMatch(other -> other.name().equals(setting.name()))) {
            throw new IllegalStateException(setting.name() + ": declared twice");
        }
        declared.add(setting);
    }

    /**
     * Returns the value, or the default value.
     *
     * @throws InvalidSettingException if the setting is required and not set, or its value is not allowed
     */
    public <T> T get(Setting<T> setting) {
        T value = find(setting);
        if (value == null) {
            throw new IllegalStateException(setting.name() + ": the declaration has no default value");
        }
        return value;
    }

    /** Like {@link #get(Setting)}, with a computed default. */
    public <T> T get(Setting<T> setting, T computed) {
        T value = find(setting);
        return value == null ? computed : value;
    }

    /** Like {@link #get(Setting)}; null if the setting is not set and has no default value. */
    public <T> @Nullable T find(Setting<T> setting) {
        declare(setting);
        String text = lookup.apply(setting.name());
        return text == null || text.isBlank() ? whenUnset(setting) : parsed(setting, text.strip());
    }

    private <T> @Nullable T whenUnset(Setting<T> setting) {
        Default deployed = setting.defaults().in(environment);
        return switch (deployed instanceof Unavailable ? setting.defaults().local() : deployed) {
            case Value(String text) -> parsed(setting, text);
            case SameAs _, Words _, Unavailable _ -> null;
            case Required _ ->
                throw new InvalidSettingException(
                        setting.name(), null, setting.type().expected() + "; required in " + environment);
        };
    }

    private static <T> T parsed(Setting<T> setting, String text) {
        T value = setting.type().parse(text);
        if (value == null) {
            throw new InvalidSettingException(
                    setting.name(),
                    setting.kind() == Setting.Kind.SECRET ? "***" : text,
                    setting.type().expected());
        }
        return value;
    }
}
