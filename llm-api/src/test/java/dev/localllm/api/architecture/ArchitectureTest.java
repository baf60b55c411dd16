package dev.localllm.api.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ArchitectureTest {

    private static final String ROOT = "dev.localllm";
    private static final String FIXTURES = ROOT + ".api.architecture.fixture.";
    private static final Map<String, ArchRule> RULES = new ArchitectureRules(ROOT).all();
    private static final JavaClasses PRODUCTION = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(ArchitectureTest::isMain)
            .importPackages(ROOT);
    private static final JavaClasses ALL_FIXTURES =
            new ClassFileImporter().importPackages(ROOT + ".api.architecture.fixture");

    static Set<String> rules() {
        return RULES.keySet();
    }

    @ParameterizedTest
    @MethodSource("rules")
    void productionCodeKeepsTheRule(String name) {
        assertThat(RULES.get(name).evaluate(PRODUCTION).getFailureReport().getDetails())
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("rules")
    void itsFixtureBreaksTheRule(String name) {
        JavaClasses fixture = ALL_FIXTURES.that(resideInAPackage(FIXTURES + name + ".."));
        List<JavaClass> bad = fixture.stream().filter(ArchitectureTest::isBad).toList();

        assertThat(breaks(name, fixture)).isTrue();
        assertThat(bad)
                .allMatch(one ->
                        breaks(name, fixture.that(describe("one bad", type -> type.equals(one) || !isBad(type)))));
        assertThat(!bad.isEmpty() && breaks(name, fixture.that(describe("none bad", type -> !isBad(type)))))
                .as("the others break it")
                .isFalse();
    }

    @Test
    void everyPackageThatARuleNamesHasClasses() {
        assertThat(PRODUCTION.stream()
                        .map(type -> type.getPackageName().substring(ROOT.length()))
                        .distinct())
                .contains(
                        ".core.admission",
                        ".core.chat",
                        ".core.catalog",
                        ".core.failure",
                        ".core.prompt",
                        ".upstream",
                        ".ollama",
                        ".ollama.simulator",
                        ".api",
                        ".api.config",
                        ".api.json",
                        ".api.openai",
                        ".api.failure",
                        ".api.stream",
                        ".api.health");
    }

    private static boolean breaks(String name, JavaClasses fixture) {
        ArchRule rule = new ArchitectureRules(FIXTURES + name).all().get(name);
        return rule.allowEmptyShould(true).evaluate(fixture).hasViolation();
    }

    /** A class that breaks the rule by itself; other classes of a fixture only support it. */
    private static boolean isBad(JavaClass type) {
        return type.getSimpleName().startsWith("Bad");
    }

    private static boolean isMain(Location location) {
        return !location.contains("test-classes") && !location.contains("-tests.jar");
    }
}
