package dev.localllm.api.architecture;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;

/** A wire is a package with an error format of its own; each is known by itself. */
final class KnowNoOtherWire extends ArchCondition<JavaClass> {

    private final String errorFormat;
    private Set<String> wires = Set.of();

    /** @param errorFormat name of the type that each wire implements */
    KnowNoOtherWire(String errorFormat) {
        super("know no wire but their own");
        this.errorFormat = errorFormat;
    }

    @Override
    public void init(Collection<JavaClass> all) {
        wires = all.stream()
                .filter(type -> !type.isInterface() && type.isAssignableTo(errorFormat))
                .map(JavaClass::getPackageName)
                .collect(Collectors.toSet());
    }

    @Override
    public void check(JavaClass type, ConditionEvents events) {
        for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
            String target = dependency.getTargetClass().getPackageName();
            if (wires.contains(target) && !target.equals(type.getPackageName())) {
                events.add(SimpleConditionEvent.violated(type, dependency.getDescription()));
            }
        }
    }
}
