package dev.localllm.api.openai.response;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What encoders of one answer need. */
final class TestAnswers {

    private TestAnswers() {}

    /** @param request the body that the answer repeats */
    static ResponseStates states(String request, Supplier<@Nullable String> schemaMismatch) {
        Echo echo = new ResponseReader(UnknownFields.REFUSE, new LoadOptions(4096, Duration.ofMinutes(5)))
                .read(new ByteArrayInputStream(request.getBytes(StandardCharsets.UTF_8)))
                .echo();
        return new ResponseStates(
                new CompletionMetadata("resp_1", 1, new ModelId("tiny")), echo, new FakeQueued(), schemaMismatch);
    }

    static Finished end(FinishReason reason) {
        return new Finished(
                reason,
                new Usage(3, 2, 4),
                new Timings(Duration.ofSeconds(3), Duration.ofSeconds(4), Duration.ofMillis(5001)));
    }
}
