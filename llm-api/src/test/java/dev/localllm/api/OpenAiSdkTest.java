package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.SseException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.models.Model;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** OpenAI's own Java client works with this server without changes. */
class OpenAiSdkTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final OpenAIClient client = client(SERVERS.server(), 0);

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void readsANonStreamingAnswer() {
        ChatCompletion completion = client.chat()
                .completions()
                .create(question("안녕하세요").maxCompletionTokens(12).build());

        assertThat(completion.choices()).singleElement().satisfies(choice -> {
            assertThat(choice.message().content())
                    .hasValueSatisfying(text -> assertThat(text).contains("시뮬레이터"));
            assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
        });
        assertThat(completion.usage()).hasValueSatisfying(usage -> {
            assertThat(usage.completionTokens()).isEqualTo(12);
            assertThat(usage.totalTokens()).isEqualTo(usage.promptTokens() + 12);
        });
        assertThat(completion.validate().id()).startsWith("chatcmpl-");
    }

    @Test
    void readsAStreamingAnswerWithItsUsage() {
        List<ChatCompletionChunk> chunks = stream(question("Hello 🙂")
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build());

        assertThat(chunks).allSatisfy(ChatCompletionChunk::validate);
        assertThat(chunks)
                .extracting(ChatCompletionChunk::id)
                .containsOnly(chunks.getFirst().id());
        assertThat(text(chunks)).contains("simulator").contains("Hello 🙂");
        ChatCompletionChunk last = chunks.getLast();
        assertThat(last.choices()).isEmpty();
        assertThat(last.usage())
                .hasValueSatisfying(
                        usage -> assertThat(usage.completionTokens()).isEqualTo(chunks.size() - 3));
        assertThat(chunks.get(chunks.size() - 2).choices().getFirst().finishReason())
                .contains(ChatCompletionChunk.Choice.FinishReason.STOP);
    }

    @Test
    void readsTheSameTextStreamingAndNonStreaming() {
        ChatCompletionCreateParams params = question("What is the time?").build();

        String nonStreaming = client.chat()
                .completions()
                .create(params)
                .choices()
                .getFirst()
                .message()
                .content()
                .orElseThrow();

        assertThat(text(stream(params))).isEqualTo(nonStreaming);
    }

    @Test
    void listsAndGetsModels() {
        assertThat(client.models().list().data())
                .extracting(Model::id)
                .containsExactly(
                        OllamaSimulator.CHAT_MODEL,
                        OllamaSimulator.SECOND_CHAT_MODEL,
                        OllamaSimulator.THINKING_MODEL,
                        OllamaSimulator.EMBED_MODEL);
        assertThat(client.models().retrieve(OllamaSimulator.CHAT_MODEL).ownedBy())
                .isEqualTo("library");
        assertThatExceptionOfType(NotFoundException.class)
                .isThrownBy(() -> client.models().retrieve("no-such-model"));
    }

    @Test
    void throwsItsOwnTypesBeforeTheFirstByte() {
        assertThatExceptionOfType(NotFoundException.class)
                .isThrownBy(() -> stream(question("Hi").model("no-such-model").build()))
                .satisfies(e -> {
                    assertThat(e.code()).contains("model_not_found");
                    assertThat(e.param()).contains("model");
                });
        assertThatExceptionOfType(BadRequestException.class)
                .isThrownBy(() -> stream(question("Hi").temperature(3.0).build()))
                .satisfies(e -> assertThat(e.param()).contains("temperature"));
        simulator.script(new Fault.SendsError(0));
        assertThatExceptionOfType(InternalServerException.class)
                .isThrownBy(() -> stream(question("Hi").build()))
                .satisfies(e -> assertThat(e.statusCode()).isEqualTo(502));
    }

    @Test
    void throwsItsOwnTypeDuringAStream() {
        simulator.script(new Fault.SendsError(3));
        List<ChatCompletionChunk> seen = new ArrayList<>();

        assertThatExceptionOfType(SseException.class)
                .isThrownBy(() -> stream(question("Hi").build(), seen))
                .satisfies(e -> assertThat(e.code()).contains("upstream_failed"));
        assertThat(seen).hasSize(1 + 3);
    }

    @Test
    void retriesAfterTheRetryAfterOfA429() {
        TestServer limited = SERVERS.server("--RATE_LIMIT_RPM=120", "--RATE_LIMIT_BURST=1");
        OpenAIClient retrying = client(limited, 2);
        retrying.chat().completions().create(question("Hi").build());
        int chats = simulator.chats();
        long start = System.nanoTime();

        retrying.chat().completions().create(question("Hi").build());

        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isBetween(Duration.ofMillis(300), Duration.ofSeconds(5));
        assertThat(simulator.chats()).isEqualTo(chats + 1);
        retrying.close();
    }

    @Test
    void doesNotRetryIfA429ForbidsIt() {
        TestServer limited = SERVERS.server("--RATE_LIMIT_RPM=1", "--RATE_LIMIT_BURST=1");
        OpenAIClient retrying = client(limited, 2);
        retrying.chat().completions().create(question("Hi").build());
        long start = System.nanoTime();

        assertThatExceptionOfType(RateLimitException.class)
                .isThrownBy(() ->
                        retrying.chat().completions().create(question("Hi").build()))
                .satisfies(e -> assertThat(e.code()).hasValue("rate_limit_exceeded"));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        retrying.close();
    }

    private static OpenAIClient client(TestServer server, int retries) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(server.uri("/v1").toString())
                .apiKey("none")
                .maxRetries(retries)
                .build();
    }

    private static ChatCompletionCreateParams.Builder question(String text) {
        return ChatCompletionCreateParams.builder()
                .model(OllamaSimulator.CHAT_MODEL)
                .addUserMessage(text);
    }

    private List<ChatCompletionChunk> stream(ChatCompletionCreateParams params) {
        return stream(params, new ArrayList<>());
    }

    private List<ChatCompletionChunk> stream(ChatCompletionCreateParams params, List<ChatCompletionChunk> chunks) {
        try (StreamResponse<ChatCompletionChunk> response =
                client.chat().completions().createStreaming(params)) {
            response.stream().forEach(chunks::add);
        }
        return chunks;
    }

    private static String text(List<ChatCompletionChunk> chunks) {
        StringBuilder text = new StringBuilder();
        chunks.stream()
                .flatMap(chunk -> chunk.choices().stream())
                .forEach(choice -> text.append(choice.delta().content().orElse("")));
        return text.toString();
    }
}
