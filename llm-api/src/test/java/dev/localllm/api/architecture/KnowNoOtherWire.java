package dev.localllm.api.architecture;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Optional;
import java.util.function.Function;

/** No class depends on a wire other than its own. */
final class KnowNoOtherWire extends ArchCondition<JavaClass> {

    private final Function<JavaClass, Optional<JavaPackage>> wire;

    KnowNoOtherWire(Function<JavaClass, Optional<JavaPackage>> wire) {
        super("know no wire but their own");
        this.wire = wire;
    }

    @Override
    public void check(JavaClass type, ConditionEvents events) {
        for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
            Optional<JavaPackage> target = wire.apply(dependency.getTargetClass());
            if (target.isPresent() && !target.equals(wire.apply(type))) {
                events.add(SimpleConditionEvent.violated(type, dependency.getDescription()));
            }
        }
    }
}
