package dev.localllm.api.openai.embedding;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.connection.TimedCollector;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.memory.MemoryBudgets;
import dev.localllm.api.openai.NoteHeaders;
import dev.localllm.api.openai.RateLimitHeaders;
import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.stream.AnswerBody;
import dev.localllm.api.stream.Timeouts;
import dev.localllm.core.embedding.EmbeddingCall;
import dev.localllm.core.embedding.EmbeddingResponder;
import dev.localllm.core.embedding.EmbeddingService;
import dev.localllm.core.embedding.Embeddings;
import io.netty.channel.EventLoop;
import java.nio.ByteBuffer;
import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** POST /v1/embeddings. */
@RestController
public final class EmbeddingController {

    private static final String ADVICE = "Send fewer inputs at once.";

    private final EmbeddingService embeddings;
    private final RequestBodies bodies;
    private final EmbeddingReader reader;
    private final Timeouts timeouts;
    private final ByteBudget budget;
    private final Scheduler encoding;

    /**
     * @param budgets has that for the bytes of all responses of this route that are being collected
     * @param largeBodies encodes vectors, which would block the other connections of an event loop
     */
    EmbeddingController(
            EmbeddingService embeddings,
            RequestBodies bodies,
            EmbeddingReader reader,
            Timeouts timeouts,
            MemoryBudgets budgets,
            Scheduler largeBodies) {
        this.embeddings = embeddings;
        this.bodies = bodies;
        this.reader = reader;
        this.timeouts = timeouts;
        this.budget = budgets.embeddings();
        this.encoding = largeBodies;
    }

    @PostMapping(path = "/v1/embeddings", consumes = MediaType.APPLICATION_JSON_VALUE)
    Mono<Void> embed(ServerWebExchange exchange) {
        HttpHeaders headers = exchange.getResponse().getHeaders();
        RequestRecord record = RequestRecord.of(exchange);
        record.onOperation(Operation.EMBEDDINGS);
        return embeddings.embed(
                record.client(),
                decision -> RateLimitHeaders.write(decision, headers),
                answer -> bodies.receive(exchange, input -> {
                    EmbeddingBody body = reader.read(input);
                    NoteHeaders.tellIgnored(body.ignoredFields(), exchange);
                    return answer.apply(new EmbeddingCall(
                            body.model(), body.request(), responder(body, exchange), eventLoop(exchange)));
                }));
    }

    private static EventLoop eventLoop(ServerWebExchange exchange) {
        return ClientChannel.of(exchange.getRequest()).eventLoop();
    }

    private EmbeddingResponder responder(EmbeddingBody body, ServerWebExchange exchange) {
        return (model, queued, batches) -> {
            RequestRecord.of(exchange).onResolved(model, queued);
            EmbeddingEncoder encoder = new EmbeddingEncoder(model, body.format());
            return Mono.using(
                    () -> new CollectedEmbeddings(encoder, body, budget),
                    collected -> collect(batches, collected, exchange)
                            .doOnNext(pieces ->
                                    RequestRecord.of(exchange).onEmbedded(encoder.promptTokens(), encoder.work()))
                            .flatMap(pieces ->
                                    AnswerBody.write(pieces, MediaType.APPLICATION_JSON, exchange.getResponse())),
                    CollectedEmbeddings::close);
        };
    }

    private Mono<List<ByteBuffer>> collect(
            Flux<Embeddings> batches, CollectedEmbeddings collected, ServerWebExchange exchange) {
        return TimedCollector.collect(
                batches.publishOn(encoding, 1),
                collected::add,
                collected::encode,
                timeouts.nonStreaming(eventLoop(exchange), ADVICE));
    }
}
