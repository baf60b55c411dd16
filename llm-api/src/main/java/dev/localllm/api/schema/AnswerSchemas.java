package dev.localllm.api.schema;

import java.util.List;
import java.util.concurrent.Executor;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Compiles the schemas of requests outside the event loops. Thread-safe. */
public final class AnswerSchemas {

    private final Scheduler scheduler;

    /** Creates the compiler, which does all work on the scheduler. */
    public AnswerSchemas(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /**
     * Compiles the schemas.
     *
     * @param thread emits the check
     * @return the check of one answer; fails with {@link dev.localllm.core.failure.LlmFailure.InvalidRequest} that names
     *     the field of the first invalid schema
     */
    public Mono<AnswerCheck> compile(List<SchemaDemand> demands, Executor thread) {
        return Mono.fromCallable(() -> new AnswerCheck(
                        demands.stream().map(SchemaCompiler::compile).toList(), scheduler))
                .subscribeOn(scheduler)
                .publishOn(Schedulers.fromExecutor(thread));
    }
}
