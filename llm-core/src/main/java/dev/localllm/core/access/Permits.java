package dev.localllm.core.access;

import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import java.util.concurrent.Executor;
import reactor.core.publisher.Mono;

/** Waits for the permits of a queue. */
public final class Permits {

    private Permits() {}

    /**
     * Emits the ticket when its permit is granted. A cancel leaves the queue at once.
     *
     * @param thread emits
     * @return fails with {@link DeadlineExceeded} after the queue's timeout, and if the queue refuses the request
     */
    public static Mono<Ticket> await(Ticket ticket, FairQueue queue, Executor thread) {
        return Mono.<Ticket>create(sink -> {
                    sink.onCancel(ticket::leave);
                    ticket.listen(new Ticket.Listener() {
                        @Override
                        public void onGranted() {
                            thread.execute(() -> sink.success(ticket));
                        }

                        @Override
                        public void onRefused(LlmFailure failure) {
                            thread.execute(() -> sink.error(new LlmException(failure)));
                        }
                    });
                })
                .timeout(
                        queue.timeout(),
                        Mono.error(() -> new LlmException(new DeadlineExceeded(
                                Deadline.QUEUE,
                                "The request has waited for " + queue.timeout().toSeconds() + " s in the queue."))));
    }
}
