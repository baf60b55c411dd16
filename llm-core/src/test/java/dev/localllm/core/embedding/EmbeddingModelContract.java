package dev.localllm.core.embedding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The contract of {@link EmbeddingModel}. It applies to any model that embeds. */
public abstract class EmbeddingModelContract {

    private static final List<String> TEXTS = List.of("The cat sleeps.", "고양이가 잔다 🙂", "Interest rates rise.");

    protected abstract EmbeddingModel embeddingModel();

    /** An existing model that embeds. */
    protected abstract ModelId model();

    /** Timeout of one exchange; longer than the implementation's own timeouts, so that those take effect first. */
    protected abstract Duration timeout();

    @Test
    void embedsAllInputsInTheirOrder() {
        Embeddings together = embed(TEXTS, null);

        assertThat(together.vectors()).hasSize(TEXTS.size());
        for (int i = 0; i < TEXTS.size(); i++) {
            float[] alone = embed(List.of(TEXTS.get(i)), null).vectors().getFirst();
            assertThat(cosine(together.vectors().get(i), alone)).isGreaterThan(0.99);
        }
        assertThat(cosine(together.vectors().get(0), together.vectors().get(2))).isLessThan(0.99);
    }

    @Test
    void reportsUsage() {
        assertThat(embed(TEXTS, null).promptTokens())
                .isGreaterThan(embed(TEXTS.subList(0, 1), null).promptTokens())
                .isGreaterThan(TEXTS.size());
    }

    @Test
    void cutsVectorsToTheDimensions() {
        assertThat(embed(TEXTS, 8).vectors()).allSatisfy(vector -> {
            assertThat(vector).hasSize(8);
            assertThat(cosine(vector, vector)).isBetween(0.999, 1.001); // again a unit vector
        });
    }

    @Test
    void refusesMoreDimensionsThanTheModelHas() {
        assertThat(failure(model(), "a", 65_536))
                .isInstanceOfSatisfying(
                        InvalidRequest.class,
                        refusal -> assertThat(refusal.field()).isEqualTo("dimensions"));
    }

    @Test
    void refusesAnInputThatIsTooLongWithoutCuttingIt() {
        assertThat(failure(model(), "word ".repeat(600_000), null)).isInstanceOf(InputTooLong.class);
    }

    @Test
    void failsForAnUnknownModel() {
        assertThat(failure(new ModelId("no-such-model:7b"), "a", null)).isEqualTo(new UnknownModel("no-such-model:7b"));
    }

    @Test
    void acceptsOneSubscriber() {
        Mono<Embeddings> embeddings = open(model(), "a", null).embeddings();
        StepVerifier.create(embeddings).expectNextCount(1).expectComplete().verify(timeout());

        StepVerifier.create(embeddings).expectError(IllegalStateException.class).verify(timeout());
    }

    @Test
    void isClosedBeforeItStartsAndAfterItsEnd() {
        EmbeddingExchange exchange = open(model(), "a", null);
        awaitClosed(exchange);

        StepVerifier.create(exchange.embeddings())
                .expectNextCount(1)
                .expectComplete()
                .verify(timeout());

        awaitClosed(exchange);
        awaitClosed(exchange);
    }

    @Test
    void isClosedAfterAFailure() {
        EmbeddingExchange exchange = open(new ModelId("no-such-model:7b"), "a", null);
        StepVerifier.create(exchange.embeddings())
                .expectError(LlmException.class)
                .verify(timeout());

        awaitClosed(exchange);
    }

    @Test
    void isClosedAfterACancel() {
        EmbeddingExchange exchange = open(model(), "a", null);

        exchange.embeddings().subscribe().dispose();

        awaitClosed(exchange);
    }

    private void awaitClosed(EmbeddingExchange exchange) {
        StepVerifier.create(exchange.closed()).expectComplete().verify(timeout());
    }

    private EmbeddingExchange open(ModelId model, String text, Integer dimensions) {
        return embeddingModel().open(model, new EmbeddingRequest(List.of(text), dimensions));
    }

    private Embeddings embed(List<String> texts, Integer dimensions) {
        return embeddingModel()
                .open(model(), new EmbeddingRequest(texts, dimensions))
                .embeddings()
                .blockOptional(timeout())
                .orElseThrow();
    }

    private LlmFailure failure(ModelId model, String text, Integer dimensions) {
        LlmFailure[] failure = new LlmFailure[1];
        StepVerifier.create(open(model, text, dimensions).embeddings())
                .consumeErrorWith(error -> failure[0] = ((LlmException) error).failure())
                .verify(timeout());
        return failure[0];
    }

    /** Of unit vectors. */
    private static double cosine(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
