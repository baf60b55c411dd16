package dev.localllm.core.embedding;

import dev.localllm.core.admission.Ticket;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The permit that a request and its exchanges hold together. It is given back when the request has ended and no exchange
 * is open. Thread-safe.
 */
final class SharedPermit {

    private final Ticket ticket;

    /** The request, until it ends, and its open exchanges. */
    private final AtomicInteger holders = new AtomicInteger(1);

    /** @param ticket has started */
    SharedPermit(Ticket ticket) {
        this.ticket = ticket;
    }

    /** Called before an exchange is opened. Returns false if the permit was given back: then none must be opened. */
    boolean hold() {
        return holders.getAndUpdate(count -> count == 0 ? 0 : count + 1) > 0;
    }

    /** Called once by each holder. */
    void release() {
        if (holders.decrementAndGet() == 0) {
            ticket.release();
        }
    }
}
