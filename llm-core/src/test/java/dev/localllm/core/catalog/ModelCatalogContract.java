package dev.localllm.core.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The contract of {@link ModelCatalog}. */
public abstract class ModelCatalogContract {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    protected abstract ModelCatalog catalog();

    /** An existing model that can chat. */
    protected abstract ModelId model();

    @Test
    void listsAnExistingModel() {
        assertThat(list()).anySatisfy(info -> {
            assertThat(info.id().matches(model())).isTrue();
            assertThat(info.can(Capability.CHAT)).isTrue();
            assertThat(info.modifiedAt()).isBetween(Instant.EPOCH, Instant.parse("2100-01-01T00:00:00Z"));
        });
    }

    @Test
    void listsTheSameTwice() {
        assertThat(list()).isEqualTo(list());
    }

    private List<ModelInfo> list() {
        return catalog().list().blockOptional(TIMEOUT).orElseThrow();
    }
}
