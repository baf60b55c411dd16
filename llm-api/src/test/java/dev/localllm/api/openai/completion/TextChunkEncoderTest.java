package dev.localllm.api.openai.completion;

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
import java.util.AbstractList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import org.springframework.http.MediaType;

/** Compares bytes, because old and new clients parse this output. */
class TextChunkEncoderTest {

    private static final String HEAD =
            "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"tiny\",\"choices\":[";
    private static final ChatEvent THOUGHT = new ThinkingDelta(JsonText.of("hm"));
    private static final ChatEvent LOGPROBS =
            new LogprobsDelta(List.of(new TokenLogprob("a", -0.5, List.of(97), List.of())));

    @Test
    void writesChunks() {
        assertThat(text(encoder(null, false)
                        .encode(List.of(THOUGHT, delta("안녕\n"), delta("\""), call(), finished(FinishReason.STOP)))))
                .isEqualTo(chunk("안녕\\u000a", "null", "null", "") + chunk("\\\"", "null", "null", "")
                        + chunk("", "null", "\"stop\"", "") + "data: [DONE]\n\n");
    }

    @Test
    void sendsUsageInTheLastChunkIfRequested() {
        TextChunkEncoder encoder = encoder(null, true);

        assertThat(text(encoder.encode(List.of(delta("a"))))).isEqualTo(chunk("a", "null", "null", ",\"usage\":null"));
        assertThat(text(encoder.encode(List.of(finished(FinishReason.LENGTH)))))
                .isEqualTo(chunk("", "null", "\"length\"", ",\"usage\":null") + HEAD
                        + "],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7,"
                        + "\"queue_time\":1.5,\"load_time\":0.25,\"prompt_time\":0.0,\"completion_time\":0.0}}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void writesLogprobsIntoTheChunkOfTheirText() {
        TextChunkEncoder encoder = encoder(new TextLogprobs("ab"), false);

        assertThat(text(encoder.encode(List.of(LOGPROBS, delta("a"), delta("cd"), LOGPROBS, delta("a")))))
                .isEqualTo(chunk("a", logprobs(2), "null", "")
                        + chunk("cd", "null", "null", "")
                        + chunk("a", logprobs(5), "null", ""));
    }

    @Test
    void writesNoLogprobsThatNobodyWants() {
        assertThat(text(encoder(null, false).encode(List.of(LOGPROBS, delta("a")))))
                .isEqualTo(chunk("a", "null", "null", ""));
    }

    /** A stream of thinking is not silent: a tunnel would close it. */
    @Test
    void writesACommentInPlaceOfThinking() {
        TextChunkEncoder encoder = encoder(null, false);

        assertThat(text(encoder.encode(List.of(THOUGHT, THOUGHT)))).isEqualTo(": waiting\n\n");
        assertThat(text(encoder.encode(List.of(THOUGHT, delta("a"))))).isEqualTo(chunk("a", "null", "null", ""));
    }

    @Test
    void endsAFailedStreamWithAnErrorFrame() {
        assertThat(text(encoder(null, true).failure(FailureResponse.of(new ShuttingDown()))))
                .isEqualTo("data: {\"error\":{\"message\":\"The server is shutting down.\",\"type\":\"server_error\","
                        + "\"param\":null,\"code\":\"shutting_down\"}}\n\n");
    }

    @Test
    void sendsAPlaceAsAComment() {
        assertThat(text(encoder(null, false).heartbeat(null))).isEqualTo(": waiting\n\n");
        assertThat(text(encoder(null, false).heartbeat(new Place(1, null, true))))
                .isEqualTo(": queue position=1 loading model=tiny\n\n");
        assertThat(encoder(null, false).contentType()).isEqualTo(MediaType.TEXT_EVENT_STREAM);
    }

    @ParameterizedTest
    @CsvSource({"1", "3"})
    void allocatesEnoughForTypicalTexts(int events) {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
        List<ChatEvent> texts = Collections.nCopies(events, delta("0123456789abcdef"));

        DataBuffer buffer =
                encoder(null, false, new NettyDataBufferFactory(allocator)).encode(texts);

        assertThat(buffer.capacity()).isEqualTo(buffer.readableByteCount());
    }

    @Test
    void releasesABufferThatCouldNotBeFilled() {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
        TextChunkEncoder encoder = encoder(null, false, new NettyDataBufferFactory(allocator));
        List<ChatEvent> breaking = new AbstractList<>() {
            @Override
            public ChatEvent get(int index) {
                throw new IllegalStateException("broken");
            }

            @Override
            public int size() {
                return 1;
            }
        };

        assertThatIllegalStateException()
                .isThrownBy(() -> encoder.encode(breaking))
                .withMessage("broken");

        assertThat(allocator.metric().usedHeapMemory()).isZero();
    }

    private static TextChunkEncoder encoder(@Nullable TextLogprobs logprobs, boolean includeUsage) {
        return encoder(logprobs, includeUsage, DefaultDataBufferFactory.sharedInstance);
    }

    private static TextChunkEncoder encoder(
            @Nullable TextLogprobs logprobs, boolean includeUsage, DataBufferFactory buffers) {
        return new TextChunkEncoder(
                new CompletionMetadata("cmpl-1", 1, new ModelId("tiny")),
                new FakeQueued(),
                logprobs,
                includeUsage,
                buffers);
    }

    private static ChatEvent delta(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static ChatEvent call() {
        return new ToolCallDelta(0, new Part.ToolCall("call_1", "search", "{}"));
    }

    private static ChatEvent finished(FinishReason reason) {
        return new Finished(reason, new Usage(3, null, 4), Timings.ZERO);
    }

    private static String chunk(String text, String logprobs, String finishReason, String usage) {
        return HEAD + "{\"text\":\"" + text + "\",\"index\":0,\"logprobs\":" + logprobs + ",\"finish_reason\":"
                + finishReason + "}]" + usage + "}\n\n";
    }

    private static String logprobs(int offset) {
        return "{\"tokens\":[\"a\"],\"token_logprobs\":[-0.5],\"top_logprobs\":[{\"a\":-0.5}],\"text_offset\":["
                + offset + "]}";
    }

    private static String text(DataBuffer buffer) {
        return buffer.toString(StandardCharsets.UTF_8);
    }
}
