package dev.localllm.api.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.INTERFACES;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.have;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.reactivestreams.Publisher;

/**
 * The rules of the architecture. Each has a fixture that breaks it, in the package {@code fixture.} plus the rule's
 * name.
 */
final class ArchitectureRules {

    /** Root package of the checked code: the production code's or a fixture's. */
    private final String root;

    /** Classes that may block, with the reason. */
    private static final Map<String, String> MAY_BLOCK =
            Map.of("OllamaLocation", "looks for Ollama once at the start, before the server serves");

    private static final Map<String, String> MAY_SUBSCRIBE = Map.ofEntries(
            entry("ModelLoads", "a load goes on when the request that has caused it leaves"),
            entry("ModelWatch", "polls on its own, and loads the default model apart from callers"),
            entry("EmbeddingService", "releases the permit when the exchanges are closed, even after a cancel"),
            entry("ChatService", "releases the permit when the exchange is closed, even after a cancel"),
            entry("Exchange", "signals that an aborted connection is closed, even after a cancel"),
            entry("Drain", "its timer ends with the process"),
            entry("AnswerStream", "an operator"),
            entry("FirstSignal", "an operator"),
            entry("TimedAnswer", "an operator"),
            entry("TimedCollector", "an operator"),
            entry("RequestBodies", "listens for the abort of an upload while the body is received"),
            entry("LlmConfiguration", "warns once at the start"),
            entry("OllamaSimulator", "stops its own threads"),
            entry("Runners", "loads in its own time; end disposes the load"),
            entry("OpenExchanges", "observes the end of its own connections"));

    private static final Map<String, String> MAY_CHANGE_THREADS = Map.of(
            "RequestBodies", "decodes large bodies outside the event loops",
            "EmbeddingController", "encodes vectors outside the event loops",
            "AnswerSchemas", "compiles schemas outside the event loops",
            "AnswerCheck", "checks complete answers outside the event loops",
            "LlmConfiguration", "creates their threads");

    private static final Map<String, String> MAY_CHANGE = Map.of(
            "FairQueue", "its lock guards its state",
            "ModelLoads", "its lock guards its loads",
            "Ticket", "the lock of FairQueue",
            "Account", "the lock of FairQueue",
            "SharedTime", "the lock of FairQueue",
            "ModelPermits", "the lock of FairQueue",
            "Forecast", "the lock of FairQueue",
            "TypicalCharge", "the lock of FairQueue");

    private static final Map<String, String> MAY_PRINT = Map.of(
            "LlmApplication", "prints a bad setting before logging is set up",
            "AsyncOutput", "replaces standard output");

    private static final Map<String, String> MAY_SPEAK_OPENAI =
            Map.of("Refusal", "repeats a refusal of Ollama's runner that contains one of these strings");

    private static final List<String> OPENAI_WORDS = List.of(
            "invalid_request_error",
            "chat.completion",
            "chatcmpl",
            "[DONE]",
            "x-ratelimit-",
            "retry-after-ms",
            "x-should-retry");

    ArchitectureRules(String root) {
        this.root = root;
    }

    Map<String, ArchRule> all() {
        Map<String, ArchRule> rules = new LinkedHashMap<>();
        rules.put("corevalues", coreKnowsOnlyTheJdk());
        rules.put("corereactor", onlyPortsAndServicesOfTheCoreKnowReactor());
        rules.put("coreorder", coreFeaturesAreLayered());
        rules.put("adaptercore", adaptersKnowOnlyWhatTheyImplement());
        rules.put("simulator", clientAndSimulatorShareNothing());
        rules.put("upstream", upstreamKnowsNoModelServer());
        rules.put("upstreamdoors", upstreamHasThreePublicDoors());
        rules.put("composition", onlyTheCompositionRootKnowsAdapters());
        rules.put("wires", onlyTheCompositionRootKnowsAWire());
        rules.put("words", onlyItsWireKnowsOpenAisNames());
        rules.put("apiunknown", nobodyKnowsTheApi());
        rules.put("adapterdoors", adaptersHaveTwoPublicDoors());
        rules.put("json", jsonStaysAtTheWires());
        rules.put("spring", springStaysInTheApi());
        rules.put("cycles", packagesHaveNoCycles());
        rules.put("blocking", nothingBlocks());
        rules.put("subscribing", nothingSubscribes());
        rules.put("threads", nothingHopsThreads());
        rules.put("buffers", nothingBuffersWithoutBound());
        rules.put("clocks", timeAndRandomnessComeIn());
        rules.put("printing", nothingPrints());
        rules.put("corelogging", coreDoesNotLog());
        rules.put("finals", fieldsOfTheCoreAreFinal());
        rules.put("choices", choicesAreSealed());
        rules.put("beans", beansAreMadeInTheCompositionRoot());
        rules.put("names", namesSayWhatTheyMean());
        return rules;
    }

    private ArchRule coreKnowsOnlyTheJdk() {
        return classes()
                .that()
                .resideInAPackage(root + ".core..")
                .should()
                .onlyDependOnClassesThat(resideInAnyPackage(
                        "java..",
                        "org.jspecify..",
                        root + ".core..",
                        "reactor.core.publisher..",
                        "org.reactivestreams.."))
                .because("the core is plain Java and reactor-core (ARCHITECTURE.md)");
    }

    private ArchRule onlyPortsAndServicesOfTheCoreKnowReactor() {
        return noClasses()
                .that()
                .resideInAPackage(root + ".core..")
                .and()
                .haveNameNotMatching(
                        ".*(Charging|Permits|ChatModel|Generation|ChatService|ChatDecoder|ChatResponder|ModelLoads|LoadedModels|ModelCatalog|ModelDirectory|EmbeddingModel|EmbeddingExchange|EmbeddingService|EmbeddingDecoder|EmbeddingResponder)(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("reactor..")
                .because("values are not reactive: only ports, the use case and its callbacks have streams");
    }

    private ArchRule coreFeaturesAreLayered() {
        return noClasses()
                .that()
                .resideInAnyPackage(
                        root + ".core.failure..",
                        root + ".core.catalog..",
                        root + ".core.prompt..",
                        root + ".core.limit..",
                        root + ".core.admission..",
                        root + ".core.access..",
                        root + ".core.embedding..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(root + ".core.chat..")
                .because("the other features must not depend on chat");
    }

    private ArchRule adaptersKnowOnlyWhatTheyImplement() {
        return noClasses()
                .that(inAnAdapter().or(resideInAPackage(root + ".upstream..")))
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                                root + ".core.prompt..",
                                root + ".core.limit..",
                                root + ".core.admission..",
                                root + ".core.access..",
                                root + ".api..")
                        .or(simpleNames(
                                "ChatService",
                                "ChatCall",
                                "ChatDecoder",
                                "ChatResponder",
                                "EmbeddingService",
                                "EmbeddingCall",
                                "EmbeddingDecoder",
                                "EmbeddingResponder",
                                "ModelDirectory")))
                .because("an adapter implements ports and must not know clients and limits");
    }

    private ArchRule clientAndSimulatorShareNothing() {
        return noClasses()
                .that()
                .resideInAPackage(root + ".*.simulator..")
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage(root + ".*", root + ".upstream..", root + ".core..", root + ".api.."))
                .because("a shared mistake would stay undetected");
    }

    private ArchRule upstreamKnowsNoModelServer() {
        return noClasses()
                .that()
                .resideInAPackage(root + ".upstream..")
                .should()
                .dependOnClassesThat(inAnAdapter())
                .because("adapters of other model servers share it");
    }

    private ArchRule upstreamHasThreePublicDoors() {
        return classes()
                .that()
                .resideInAPackage(root + ".upstream")
                .and(
                        have(
                                not(
                                        HasName.Predicates.nameMatching(
                                                ".*\\.(Upstream|Upstream\\$Call|Upstream\\$CircuitStates|UpstreamLimits|FlushBatchHandler|package-info)"))))
                .should()
                .notBePublic()
                .because("Upstream is the entry point, with its limits; the web server shares its event loops");
    }

    private ArchRule onlyTheCompositionRootKnowsAdapters() {
        return noClasses()
                .that()
                .resideInAPackage(root + ".api..")
                .and()
                .resideOutsideOfPackage(root + ".api.config..")
                .should()
                .dependOnClassesThat(inAnAdapter().or(resideInAPackage(root + ".upstream..")))
                .because("the rest of the server knows ports, not model servers");
    }

    private ArchRule onlyTheCompositionRootKnowsAWire() {
        return classes()
                .that()
                .resideInAPackage(root + ".api..")
                .and()
                .resideOutsideOfPackage(root + ".api.config..")
                .should(new KnowNoOtherWire(this::wire))
                .because("a new wire is one package and a line in the composition root");
    }

    private ArchRule onlyItsWireKnowsOpenAisNames() {
        return noClasses()
                .that()
                .resideInAPackage(root + "..")
                .and()
                .resideOutsideOfPackage(root + ".api.openai..")
                .and(not(named(MAY_SPEAK_OPENAI)))
                .should(be(describe("of OpenAI's words", ArchitectureRules::speaksOpenAi)))
                .because("the rest of the server serves every wire");
    }

    private ArchRule nobodyKnowsTheApi() {
        return noClasses()
                .that()
                .resideInAPackage(root + "..")
                .and()
                .resideOutsideOfPackage(root + ".api..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(root + ".api..")
                .because("dependencies point inwards");
    }

    private ArchRule adaptersHaveTwoPublicDoors() {
        return classes()
                .that(inAnAdapter())
                .and()
                .resideInAPackage(root + ".*")
                .and(not(describe("its door or its settings", ArchitectureRules::isDoor)))
                .should()
                .notBePublic()
                .because("the class with the package's name and its settings are the entry points");
    }

    private ArchRule jsonStaysAtTheWires() {
        return noClasses()
                .that(not(inAWire()).and(not(inAnAdapter())))
                .and()
                .resideOutsideOfPackages(root + ".api.json..", root + ".api.schema..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("tools.jackson..", "com.fasterxml..")
                .because("only wires, adapters and schemas use JSON");
    }

    private ArchRule springStaysInTheApi() {
        return noClasses()
                .that()
                .resideInAPackage(root + "..")
                .and()
                .resideOutsideOfPackage(root + ".api..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .because("Spring composes the server; the parts don't know it");
    }

    private ArchRule packagesHaveNoCycles() {
        return slices().matching(root + ".(**)").should().beFreeOfCycles();
    }

    private ArchRule nothingBlocks() {
        return noClasses()
                .that(not(named(MAY_BLOCK)))
                .should()
                .accessTargetWhere(ofStreams(
                                "block",
                                "blockFirst",
                                "blockLast",
                                "blockOptional",
                                "toIterable",
                                "toStream",
                                "toFuture")
                        .or(of(Thread.class, "sleep")))
                .because("an event loop serves many connections");
    }

    private ArchRule nothingSubscribes() {
        return noClasses()
                .that(not(named(MAY_SUBSCRIBE)))
                .should()
                .accessTargetWhere(ofStreams("subscribe"))
                .because("an inner subscription is not cancelled with the outer one");
    }

    private ArchRule nothingHopsThreads() {
        return noClasses()
                .that(not(named(MAY_CHANGE_THREADS)))
                .should()
                .accessTargetWhere(ofStreams("publishOn", "subscribeOn"))
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("reactor.core.scheduler.Schedulers")
                .because("a token stays on the thread that read it");
    }

    private ArchRule nothingBuffersWithoutBound() {
        return noClasses()
                .that()
                .resideOutsideOfPackage(root + ".*.simulator..")
                .should()
                .accessTargetWhere(ofStreams(
                                "onBackpressureBuffer",
                                "collectList",
                                "replay",
                                "buffer",
                                "window",
                                "flatMapSequential")
                        .and(not(in(MAY_BLOCK))))
                .because("a slow client must cause backpressure");
    }

    private ArchRule timeAndRandomnessComeIn() {
        return noClasses()
                .that(not(simpleNames("OllamaSimulator")).and(not(resideInAnyPackage(root + ".api.config.."))))
                .should()
                .accessTargetWhere(of(Instant.class, "now")
                        .or(of(InstantSource.class, "system"))
                        .or(of(System.class, "currentTimeMillis", "nanoTime"))
                        .or(of(Math.class, "random"))
                        .or(of(UUID.class, "randomUUID")))
                .because("tests inject clocks and ids");
    }

    private ArchRule nothingPrints() {
        return noClasses()
                .that(not(named(MAY_PRINT)))
                .should()
                .accessTargetWhere(of(System.class, "out", "err").or(of(Throwable.class, "printStackTrace")))
                .because("output belongs in the log");
    }

    private ArchRule coreDoesNotLog() {
        return noClasses()
                .that()
                .resideInAPackage(root + ".core..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.slf4j..", "java.util.logging..", "java.lang.System$Logger..")
                .because("the core reports by values");
    }

    private ArchRule fieldsOfTheCoreAreFinal() {
        return fields().that()
                .areDeclaredInClassesThat()
                .resideInAPackage(root + ".core..")
                .and()
                .areDeclaredInClassesThat(not(named(MAY_CHANGE)))
                .should()
                .beFinal()
                .because("the core's objects are shared by all threads");
    }

    private ArchRule choicesAreSealed() {
        return classes()
                .that()
                .haveNameMatching(".*\\.(ChatEvent|LlmFailure)")
                .should(be(describe("sealed", JavaClass::isSealed)))
                .because("a new case must break every switch");
    }

    private ArchRule beansAreMadeInTheCompositionRoot() {
        return noMethods()
                .that()
                .areDeclaredInClassesThat()
                .resideOutsideOfPackage(root + ".api.config..")
                .should()
                .beAnnotatedWith("org.springframework.context.annotation.Bean")
                .because("beans are composed in one place");
    }

    private ArchRule namesSayWhatTheyMean() {
        return noClasses()
                .should()
                .haveNameMatching(".*(Impl|Manager|Helper|Util|Utils|Constants)(\\$.*)?")
                .because("such a name has no meaning");
    }

    /** An adapter of one kind of model server: a package outside core, api and upstream. */
    private DescribedPredicate<JavaClass> inAnAdapter() {
        DescribedPredicate<JavaClass> beside =
                resideOutsideOfPackages(root + ".core..", root + ".api..", root + ".upstream..");
        return describe("in an adapter", type -> type.getPackageName().startsWith(root + ".") && beside.test(type));
    }

    /** A wire: a package with an implementation of ErrorFormat. */
    private DescribedPredicate<JavaClass> inAWire() {
        return describe("in a wire", type -> wire(type).isPresent());
    }

    /** The package of the wire that the class belongs to: one with an error format, or a package inside it. */
    private Optional<JavaPackage> wire(JavaClass type) {
        DescribedPredicate<JavaClass> errorFormat =
                assignableTo(root + ".api.failure.ErrorFormat").and(not(INTERFACES));
        return Stream.iterate(
                        Optional.of(type.getPackage()),
                        Optional::isPresent,
                        inner -> inner.flatMap(JavaPackage::getParent))
                .map(Optional::orElseThrow)
                .filter(inner -> inner.getClasses().stream().anyMatch(errorFormat))
                .findFirst();
    }

    /** {@code Ollama} and {@code OllamaSettings} in the package {@code ollama}. */
    private static boolean isDoor(JavaClass type) {
        String name = type.getSimpleName();
        String feature = type.getPackageName().substring(type.getPackageName().lastIndexOf('.') + 1);
        return name.equalsIgnoreCase(feature)
                || name.equalsIgnoreCase(feature + "Settings")
                || name.equals("package-info");
    }

    /** Like {@link #of}, for Reactor's types and every other Publisher. {@code Sinks} are not Publishers. */
    private static DescribedPredicate<JavaAccess<?>> ofStreams(String... names) {
        return of(assignableTo(Publisher.class).or(resideInAPackage("reactor.core.publisher")), names);
    }

    /** Calls of and references to these methods, and accesses to these fields, of the type or a subtype. */
    private static DescribedPredicate<JavaAccess<?>> of(Class<?> owner, String... names) {
        return of(assignableTo(owner), names);
    }

    private static DescribedPredicate<JavaAccess<?>> of(DescribedPredicate<JavaClass> owner, String... names) {
        Set<String> expected = Set.of(names);
        return describe(
                expected + " of " + owner.getDescription(),
                access -> expected.contains(access.getTarget().getName())
                        && owner.test(access.getTarget().getOwner()));
    }

    private static DescribedPredicate<JavaAccess<?>> in(Map<String, String> allowed) {
        return describe("in " + allowed.keySet(), access -> allowed.containsKey(outermost(access.getOriginOwner())));
    }

    private static DescribedPredicate<JavaClass> named(Map<String, String> allowed) {
        return describe("allowed " + allowed, type -> allowed.containsKey(outermost(type)));
    }

    private static DescribedPredicate<JavaClass> simpleNames(String... names) {
        List<String> expected = List.of(names);
        return describe("named " + expected, type -> expected.contains(outermost(type)));
    }

    /** Checks the constants in the class file. */
    private static boolean speaksOpenAi(JavaClass type) {
        try (InputStream file = type.getSource().orElseThrow().getUri().toURL().openStream()) {
            for (PoolEntry entry : ClassFile.of().parse(file.readAllBytes()).constantPool()) {
                if (entry instanceof Utf8Entry text && OPENAI_WORDS.stream().anyMatch(text.stringValue()::contains)) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String outermost(JavaClass type) {
        String name = type.getName().substring(type.getName().lastIndexOf('.') + 1);
        return name.indexOf('$') < 0 ? name : name.substring(0, name.indexOf('$'));
    }
}
