package dev.localllm.core.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every {@link ModelCatalog} promises. */
public abstract class ModelCatalogContract {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    protected abstract ModelCatalog catalog();

    /** A model that is there and can chat. */
    protected abstract ModelId model();

    @Test
    void listsTheModelThatIsThere() {
        assertThat(list()).anySatisfy(info -> {
            assertThat(info.id().matches(model())).isTrue();
            assertThat(info.chat()).isTrue();
            assertThat(info.modifiedAt()).isBetween(Instant.EPOCH, Instant.parse("2100-01-01T00:00:00Z"));
        });
    }

    @Test
    void listsTheSameTwice() {
        assertThat(list()).isEqualTo(list());
    }

    private List<ModelInfo> list() {
        return catalog().list().blockOptional(PATIENCE).orElseThrow();
    }
}
