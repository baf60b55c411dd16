package dev.localllm.api.architecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;

/** No class depends on a wire other than its own. */
final class KnowNoOtherWire extends ArchCondition<JavaClass> {

    private final DescribedPredicate<JavaClass> inAWire;

    KnowNoOtherWire(DescribedPredicate<JavaClass> inAWire) {
        super("know no wire but their own");
        this.inAWire = inAWire;
    }

    @Override
    public void check(JavaClass type, ConditionEvents events) {
        for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
            JavaClass target = dependency.getTargetClass();
            if (!target.getPackageName().equals(type.getPackageName()) && inAWire.test(target)) {
                events.add(SimpleConditionEvent.violated(type, dependency.getDescription()));
            }
        }
    }
}
