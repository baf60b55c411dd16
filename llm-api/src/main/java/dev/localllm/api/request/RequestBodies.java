package dev.localllm.api.request;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.connection.TimedCollector;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.memory.BodyBudget;
import dev.localllm.api.memory.ReceivedBytes;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.function.Function;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** Receives request bodies within limits: size and time of each, bytes of all together. Thread-safe. */
public final class RequestBodies {

    private static final int LARGE_BYTES = 32 << 10;

    private final long maxBytes;
    private final Duration timeout;
    private final BodyBudget budget;
    private final Scheduler forLarge;

    /**
     * @param maxBytes limit of one body
     * @param timeout for receiving one body
     * @param forLarge decodes large bodies, which would block the other connections of an event loop
     */
    public RequestBodies(long maxBytes, Duration timeout, BodyBudget budget, Scheduler forLarge) {
        this.maxBytes = maxBytes;
        this.timeout = timeout;
        this.budget = budget;
        this.forLarge = forLarge;
    }

    /**
     * Receives the body and passes it to {@code use}. The body counts against the budget until the Mono of {@code use}
     * ends.
     *
     * @param use gets the complete body and reads it before it returns; the stream is closed then
     * @return fails with a 413 or 408, with {@link InvalidRequest} if the body is empty, and with {@link Overloaded} if
     *     the budget is used up and this is the slowest upload
     */
    public Mono<Void> receive(ServerWebExchange exchange, Function<InputStream, Mono<Void>> use) {
        return Mono.using(
                () -> new Reception(exchange),
                reception -> reception.body().flatMap(body -> use(body, use)),
                Reception::close);
    }

    private Mono<Void> use(ReceivedBytes body, Function<InputStream, Mono<Void>> use) {
        return body.length() <= LARGE_BYTES
                ? read(body, use)
                : Mono.defer(() -> read(body, use)).subscribeOn(forLarge);
    }

    private static Mono<Void> read(ReceivedBytes body, Function<InputStream, Mono<Void>> use) {
        try (InputStream stream = body.take()) {
            return stream == null ? Mono.empty() : use.apply(stream);
        } catch (IOException e) {
            return Mono.error(e);
        }
    }

    private final class Reception {

        private final ServerWebExchange exchange;
        private final ReceivedBytes bytes;
        private final Sinks.Empty<ReceivedBytes> aborted = Sinks.empty();
        private final BodyBudget.Upload upload;

        private Reception(ServerWebExchange exchange) {
            this.exchange = exchange;
            this.bytes = new ReceivedBytes(
                    ((NettyDataBufferFactory) exchange.getResponse().bufferFactory()).getByteBufAllocator());
            this.upload = budget.begin(
                    RequestRecord.of(exchange).client(),
                    ownLimit -> aborted.tryEmitError(new LlmException(overloaded(ownLimit))));
        }

        Mono<ReceivedBytes> body() {
            if (exchange.getRequest().getHeaders().getContentLength() > maxBytes) {
                return Mono.error(tooLarge());
            }
            FailureHandler.onBodyStart(exchange);
            return TimedCollector.collect(
                    exchange.getRequest().getBody(),
                    this::add,
                    this::complete,
                    new TimedCollector.Limits(
                            timeout,
                            ClientChannel.of(exchange.getRequest()).eventLoop(),
                            () -> new ResponseStatusException(HttpStatus.REQUEST_TIMEOUT),
                            listener -> aborted.asMono().subscribe(null, listener)));
        }

        private void add(DataBuffer arrived) {
            try {
                if (bytes.length() + arrived.readableByteCount() > maxBytes) {
                    throw tooLarge();
                }
                if (upload.take(arrived.readableByteCount())) {
                    bytes.write(arrived);
                }
            } finally {
                DataBufferUtils.release(arrived);
            }
        }

        private ReceivedBytes complete() {
            if (!upload.complete()) {
                throw new LlmException(overloaded(false));
            }
            FailureHandler.onBodyComplete(exchange);
            if (bytes.length() == 0) {
                throw new LlmException(new InvalidRequest(null, "The request has no body (expected: JSON)."));
            }
            return bytes;
        }

        void close() {
            bytes.close();
            upload.close();
        }
    }

    private static ResponseStatusException tooLarge() {
        return new ResponseStatusException(
                HttpStatus.CONTENT_TOO_LARGE, "The request's body is larger than MAX_BODY_SIZE allows.");
    }

    private static Overloaded overloaded(boolean ownLimit) {
        return new Overloaded("The server receives too many request bodies at once. Try again in a moment.", ownLimit);
    }
}
