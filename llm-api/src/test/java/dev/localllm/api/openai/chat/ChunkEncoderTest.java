package dev.localllm.api.openai.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.core.admission.Place;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.TokenLogprob;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.AbstractList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.core.io.buffer.NettyDataBufferFactory;

/** Compares bytes, because old and new clients parse this output. */
class ChunkEncoderTest {

    private static final String HEAD =
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"tiny\",\"choices\":[";

    private static final List<ChatEvent> ALL = List.of(
            new ThinkingDelta(JsonText.of("hm \"")),
            new TextDelta(JsonText.of("안녕\n")),
            new ToolCallDelta(1, new Part.ToolCall("call_1", "search", "{\"q\":\"a\"}")),
            new Finished(
                    FinishReason.TOOL_CALLS,
                    new Usage(3, 2, 4),
                    new Timings(Duration.ofSeconds(3), Duration.ofSeconds(4), Duration.ofMillis(5001))));

    private final AtomicReference<@Nullable String> mismatch = new AtomicReference<>();

    @Test
    void writesChunks() {
        assertThat(encoded(false))
                .isEqualTo(chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null", "")
                        + chunk("{\"reasoning_content\":\"hm \\\"\",\"reasoning\":\"hm \\\"\"}", "null", "")
                        + chunk("{\"content\":\"안녕\\u000a\"}", "null", "")
                        + chunk(
                                "{\"tool_calls\":[{\"index\":1,\"id\":\"call_1\",\"type\":\"function\",\"function\":"
                                        + "{\"name\":\"search\",\"arguments\":\"{\\\"q\\\":\\\"a\\\"}\"}}]}",
                                "null",
                                "")
                        + chunk("{}", "\"tool_calls\"", "")
                        + "data: [DONE]\n\n");
    }

    @Test
    void sendsUsageInTheLastChunkIfRequested() {
        assertThat(encoded(true))
                .startsWith(chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null", ",\"usage\":null"))
                .contains(chunk("{\"content\":\"안녕\\u000a\"}", "null", ",\"usage\":null"))
                .endsWith(chunk("{}", "\"tool_calls\"", ",\"usage\":null") + HEAD
                        + "],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7,"
                        + "\"prompt_tokens_details\":{\"cached_tokens\":2},\"queue_time\":1.5,\"load_time\":3.25,"
                        + "\"prompt_time\":4.0,\"completion_time\":5.001}}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void writesLogprobsIntoTheChunkOfTheirText() {
        TokenLogprob alternative = new TokenLogprob("b", -2, List.of(98), List.of());
        List<ChatEvent> events = List.of(
                new LogprobsDelta(List.of(new TokenLogprob("a", -0.5, List.of(97), List.of(alternative)))),
                new TextDelta(JsonText.of("a")),
                new TextDelta(JsonText.of("c")));

        assertThat(text(encoder(false).encode(events)))
                .contains(
                        "{\"content\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97],"
                                + "\"top_logprobs\":[{\"token\":\"b\",\"logprob\":-2.0,\"bytes\":[98]}]}],\"refusal\":null},"
                                + "\"finish_reason\":null}")
                .endsWith(chunk("{\"content\":\"c\"}", "null", ""));
    }

    @Test
    void tellsASchemaMismatchInTheLastChoice() {
        mismatch.set("/a: type");

        assertThat(encoded(false)).endsWith("""
                        "delta":{},"finish_reason":"tool_calls","schema_mismatch":"/a: type"}]}

                        data: [DONE]

                        """);
    }

    @Test
    void endsAFailedStreamWithAnErrorFrame() {
        assertThat(text(encoder(false).failure(FailureResponse.of(new ShuttingDown()))))
                .isEqualTo("data: {\"error\":{\"message\":\"The server is shutting down.\",\"type\":\"server_error\","
                        + "\"param\":null,\"code\":\"shutting_down\"}}\n\n");
        assertThat(text(encoder(false).heartbeat(null))).isEqualTo(": waiting\n\n");
        assertThat(text(encoder(false).heartbeat(new Place(3, null, false)))).isEqualTo(": queue position=3\n\n");
        assertThat(text(encoder(false).heartbeat(new Place(3, Duration.ofMillis(11_001), false))))
                .isEqualTo(": queue position=3 eta=12s\n\n");
        assertThat(text(encoder(false).heartbeat(new Place(0, null, true)))).isEqualTo(": loading model=tiny\n\n");
        assertThat(text(encoder(false).heartbeat(new Place(1, null, true))))
                .isEqualTo(": queue position=1 loading model=tiny\n\n");
    }

    @Test
    void releasesABufferThatCouldNotBeFilled() {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
        ChunkEncoder encoder = encoder(false, new NettyDataBufferFactory(allocator));
        List<ChatEvent> breaking = new AbstractList<>() {
            @Override
            public ChatEvent get(int index) {
                if (index > 0) {
                    throw new IllegalStateException("broken");
                }
                return ALL.getFirst();
            }

            @Override
            public int size() {
                return 2;
            }
        };

        assertThatIllegalStateException()
                .isThrownBy(() -> encoder.encode(breaking))
                .withMessage("broken");

        assertThat(allocator.metric().usedHeapMemory()).isZero();
    }

    private String encoded(boolean includeUsage) {
        return text(encoder(includeUsage).encode(ALL));
    }

    private ChunkEncoder encoder(boolean includeUsage) {
        return encoder(includeUsage, DefaultDataBufferFactory.sharedInstance);
    }

    private ChunkEncoder encoder(boolean includeUsage, DataBufferFactory buffers) {
        return new ChunkEncoder(
                new CompletionMetadata("chatcmpl-1", 1, new ModelId("tiny")),
                new FakeQueued(),
                mismatch::get,
                includeUsage,
                buffers);
    }

    private static String chunk(String delta, String finishReason, String usage) {
        return HEAD + "{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + finishReason + "}]" + usage + "}\n\n";
    }

    private static String text(DataBuffer buffer) {
        return buffer.toString(StandardCharsets.UTF_8);
    }
}
