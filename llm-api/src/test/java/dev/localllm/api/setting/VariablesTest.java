package dev.localllm.api.setting;

import static dev.localllm.api.setting.Defaults.everywhere;
import static dev.localllm.api.setting.Defaults.localOnly;
import static dev.localllm.api.setting.Defaults.required;
import static dev.localllm.api.setting.Defaults.value;
import static dev.localllm.api.setting.Defaults.words;
import static dev.localllm.api.setting.Setting.setting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.unit.DataSize;

class VariablesTest {

    private static final ValueType<AppEnvironment> ENVIRONMENT =
            ValueType.of("an environment", text -> AppEnvironment.valueOf(text.toUpperCase(Locale.ROOT)));
    private static final Setting<Integer> PORT =
            setting("PORT", ValueType.number(1, 9), localOnly(value("8")), "port, {range}");

    @ParameterizedTest
    @CsvSource({
        "1ms, PT0.001S",
        "1000us, PT0.001S",
        "30s, PT30S",
        "+30s, PT30S",
        "30S, PT30S",
        "9999999999us, PT2H46M39.999999S",
        "24h, PT24H",
        "1d, PT24H"
    })
    void durationsAreReadWithAnyUnitWithinTheRange(String text, String duration) {
        assertThat(ValueType.duration("24h").parse(text)).hasToString(duration);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "5",
                "0",
                "-1",
                "999us",
                "0ms",
                "-5s",
                "25h",
                "2d",
                "5 s",
                "1h30m",
                "PT5S",
                "s",
                "99999999999999999h"
            })
    void durationsWithoutUnitOrBeyondTheRangeAreRefused(String text) {
        assertThat(ValueType.duration("24h").parse(text)).isNull();
    }

    @ParameterizedTest
    @CsvSource({"1B, 1", "+1KB, 1024", "512KB, 524288", "1 MB, 1048576", "1MB, 1048576"})
    void sizesAreReadWithAnyUnitWithinTheRange(String text, long bytes) {
        assertThat(ValueType.size(DataSize.ofMegabytes(1)).parse(text)).isEqualTo(DataSize.ofBytes(bytes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"5", "0B", "-1KB", "2MB", "1TB", "1kb", "1K", "MB", "99999999999999999TB"})
    void sizesWithoutUnitOrBeyondTheRangeAreRefused(String text) {
        assertThat(ValueType.size(DataSize.ofMegabytes(1)).parse(text)).isNull();
    }

    @Test
    void refusesASecretWithoutItsValue() {
        Setting<Integer> pin = new Setting<>(
                "PIN",
                Setting.Kind.SECRET,
                Setting.Reader.SERVER,
                ValueType.number(1, 9),
                everywhere("1"),
                "a pin, {range}");

        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> variables(Map.of("PIN", "1234")).get(pin))
                .withMessage("PIN: '***' (expected: a whole number from 1 to 9)");
    }

    @Test
    void hasTheDefaultOfLocalWhereASettingIsUnavailable() {
        assertThat(variables(Map.of("APP_ENV", "staging")).get(PORT)).isEqualTo(8);
        assertThat(variables(Map.of("APP_ENV", "staging", "PORT", "7")).get(PORT))
                .isEqualTo(7);
    }

    @Test
    void refusesADefaultThatIsOutOfRange() {
        Setting<Integer> bad = setting("BAD", ValueType.number(1, 9), everywhere("10"), "a number, {range}");

        assertThatExceptionOfType(InvalidSettingException.class)
                .isThrownBy(() -> variables(Map.of()).get(bad))
                .withMessageStartingWith("BAD: '10'");
    }

    @Test
    void refusesADeclarationThatIsIncomplete() {
        Setting<Integer> words = setting("SIZE", ValueType.number(1, 9), everywhere(words("some")), "size, {range}");

        assertThatIllegalStateException().isThrownBy(() -> variables(Map.of()).get(words));
        assertThat(variables(Map.of()).get(words, 3)).isEqualTo(3);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> setting("SIZE", ValueType.number(1, 9), everywhere("1"), "no word of its range"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> setting("size", ValueType.number(1, 9), everywhere("1"), "size, {range}"));
    }

    /** The scripts that read the manifest would misunderstand it. */
    @ParameterizedTest
    @ValueSource(strings = {"", "-", "required by law", "a|b", "`a`", "two\nlines"})
    void refusesADefaultThatTheManifestCannotHold(String words) {
        assertThatIllegalArgumentException().isThrownBy(() -> words(words));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a|b", "a`b"})
    void refusesAValueThatTheManifestCannotHold(String value) {
        assertThatIllegalArgumentException().isThrownBy(() -> value(value));
        assertThatIllegalArgumentException().isThrownBy(() -> required(value));
    }

    @Test
    void describesASettingWithItsRange() {
        assertThat(PORT.description()).isEqualTo("port, 1 to 9");
        assertThat(setting("APP_ENV", ENVIRONMENT, everywhere("local"), "the environment")
                        .description())
                .isEqualTo("the environment");
    }

    @Test
    void refusesASecondDeclarationOfOneName() {
        Variables variables = variables(Map.of());
        variables.declare(PORT);
        assertThat(variables.declared()).extracting(Setting::name).containsExactly("APP_ENV", "PORT");

        assertThatIllegalStateException().isThrownBy(() -> variables.get(PORT)).withMessageContaining("PORT");
    }

    private static Variables variables(Map<String, String> values) {
        return new Variables(values::get, setting("APP_ENV", ENVIRONMENT, everywhere("local"), "the environment"));
    }
}
