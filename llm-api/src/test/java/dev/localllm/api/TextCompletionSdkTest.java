package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.SseException;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** OpenAI's own Java client completes texts with this server without changes. */
class TextCompletionSdkTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OpenAIClient client = OpenAIOkHttpClient.builder()
            .baseUrl(SERVERS.server().uri("/v1").toString())
            .apiKey("none")
            .maxRetries(0)
            .build();

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void readsACompletion() {
        Completion completion = client.completions()
                .create(text("def add(a, b):")
                        .suffix("return sum")
                        .maxTokens(40)
                        .logprobs(1)
                        .build())
                .validate();

        assertThat(completion.id()).startsWith("cmpl-");
        assertThat(completion.usage())
                .hasValueSatisfying(
                        usage -> assertThat(usage.completionTokens()).isEqualTo(40));
        assertThat(completion.choices()).singleElement().satisfies(choice -> {
            assertThat(choice.text()).contains("return sum");
            assertThat(choice.finishReason()).isEqualTo(CompletionChoice.FinishReason.LENGTH);
            assertThat(choice.logprobs()).hasValueSatisfying(logprobs -> {
                assertThat(String.join("", logprobs.tokens().orElseThrow())).isEqualTo(choice.text());
                assertThat(logprobs.tokenLogprobs().orElseThrow()).hasSize(40);
                assertThat(logprobs.topLogprobs().orElseThrow()).hasSize(40);
                assertThat(logprobs.textOffset().orElseThrow()).startsWith(14L).hasSize(40);
            });
        });
    }

    @Test
    void readsTheSameTextAsAStreamWithItsUsage() {
        CompletionCreateParams params = text("Once")
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();

        List<Completion> chunks = stream(params, new ArrayList<>());

        assertThat(joined(chunks))
                .isEqualTo(client.completions()
                        .create(text("Once").build())
                        .choices()
                        .getFirst()
                        .text());
        assertThat(chunks.getLast().usage())
                .hasValueSatisfying(
                        usage -> assertThat(usage.completionTokens()).isEqualTo(chunks.size() - 2));
        assertThat(chunks.get(chunks.size() - 2).choices().getFirst().finishReason())
                .isEqualTo(CompletionChoice.FinishReason.STOP);
    }

    @Test
    void throwsItsOwnTypes() {
        assertThatExceptionOfType(BadRequestException.class)
                .isThrownBy(
                        () -> client.completions().create(text("Hi").echo(true).build()))
                .satisfies(e -> assertThat(e.param()).contains("echo"));
        SERVERS.simulator().script(new Fault.SendsError(3));
        List<Completion> seen = new ArrayList<>();
        assertThatExceptionOfType(SseException.class)
                .isThrownBy(() -> stream(text("Hi").build(), seen))
                .satisfies(e -> assertThat(e.code()).contains("upstream_failed"));
        assertThat(seen).hasSize(3);
    }

    private static CompletionCreateParams.Builder text(String prompt) {
        return CompletionCreateParams.builder()
                .model(OllamaSimulator.CHAT_MODEL)
                .prompt(prompt);
    }

    private List<Completion> stream(CompletionCreateParams params, List<Completion> chunks) {
        try (StreamResponse<Completion> response = client.completions().createStreaming(params)) {
            response.stream().forEach(chunks::add);
        }
        return chunks;
    }

    private static String joined(List<Completion> chunks) {
        return chunks.stream()
                .flatMap(chunk -> chunk.choices().stream())
                .map(CompletionChoice::text)
                .collect(Collectors.joining());
    }
}
