package dev.localllm.api.openai.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Random valid bodies with all fields, and bodies with a single fault. {@code -Dseed=…} repeats them. */
@Tag("random")
@Timeout(60)
class CompletionReaderPropertyTest {

    private static final int BODIES = 1500;
    private static final LoadOptions LOAD_OPTIONS = new LoadOptions(4096, Duration.ofMinutes(5));

    private final CompletionReader reader = new CompletionReader(UnknownFields.IGNORE, LOAD_OPTIONS);
    private final CompletionReader strict = new CompletionReader(UnknownFields.REFUSE, LOAD_OPTIONS);

    @Test
    void readsWhatABodyMeans() {
        forRandomBodies((body, json) -> {
            ChatBody read = read(reader, json);

            assertThat(sorted(read)).isEqualTo(body.expected());
        });
    }

    @Test
    void namesTheOnlyFault() {
        forRandomBodies((body, valid) -> {
            String path = body.spoil();
            String json = body.json();

            InvalidRequest refusal = refusal(reader, json);

            assertThat(refusal).as(path + " in " + json).isNotNull();
            assertThat(refusal.field()).as(json).isEqualTo(path);
            assertThat(refusal.message()).startsWith(path + ": ").hasSizeLessThan(500);
        });
    }

    @Test
    void refusesUnknownFieldsAndNothingElseIfConfigured() {
        forRandomBodies((body, json) -> {
            if (body.unknown().isEmpty()) {
                assertThat(sorted(read(strict, json))).isEqualTo(body.expected());
            } else {
                assertThat(refusal(strict, json))
                        .isNotNull()
                        .satisfies(refusal -> assertThat(refusal.field()).isIn(body.unknown()));
            }
        });
    }

    private static void forRandomBodies(BiConsumer<RandomBody, String> check) {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("CompletionReaderPropertyTest: " + BODIES + " bodies, -Dseed=" + seed);
        for (int i = 0; i < BODIES; i++) {
            RandomBody body = new RandomBody(new Random(seed + i));
            String json = body.json();
            try {
                check.accept(body, json);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("-Dseed=" + (seed + i) + ": " + e.getMessage(), e);
            }
        }
    }

    private static ChatBody sorted(ChatBody read) {
        return new ChatBody(
                read.model(),
                read.request(),
                read.stream(),
                read.includeUsage(),
                read.demands(),
                read.ignoredFields().stream().sorted().toList());
    }

    private static ChatBody read(CompletionReader reader, String json) {
        return reader.read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
    }

    private static @Nullable InvalidRequest refusal(CompletionReader reader, String json) {
        try {
            read(reader, json);
            return null;
        } catch (LlmException e) {
            return (InvalidRequest) e.failure();
        }
    }
}
