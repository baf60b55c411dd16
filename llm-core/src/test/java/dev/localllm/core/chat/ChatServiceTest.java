package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.prompt.PromptLimits;
import dev.localllm.core.prompt.SystemPrompt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class ChatServiceTest {

    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Message QUESTION = new Message(Role.USER, "Why?");
    private static final Message OWN_SYSTEM = new Message(Role.SYSTEM, "Be brief.");

    private final List<ChatRequest> generated = new ArrayList<>();

    @Test
    void generatesNothingBeforeTheEventsAreSubscribedTo() {
        ChatAnswer answer = answer(service(null, 10, 100), QUESTION);
        assertThat(generated).isEmpty();
        StepVerifier.create(answer.events()).expectNextCount(1).expectComplete().verify(PATIENCE);
        assertThat(generated).hasSize(1);
    }

    @Test
    void leavesMessagesAloneWithoutASystemPrompt() {
        assertThat(sent(null, QUESTION)).containsExactly(QUESTION);
    }

    @Test
    void putsTheSystemPromptFirst() {
        assertThat(sent(new SystemPrompt("Be kind."), QUESTION))
                .containsExactly(new Message(Role.SYSTEM, "Be kind."), QUESTION);
    }

    @Test
    void letsTheCallersOwnSystemMessageStand() {
        assertThat(sent(new SystemPrompt("Be kind."), OWN_SYSTEM, QUESTION)).containsExactly(OWN_SYSTEM, QUESTION);
    }

    @Test
    void acceptsExactlyAsMuchAsTheLimits() {
        answer(service(null, 2, 8), QUESTION, QUESTION);
    }

    @Test
    void refusesOneMessageMore() {
        expectRefusal(
                service(null, 2, 100), "messages: 3 messages (expected: at most 2)", QUESTION, QUESTION, QUESTION);
    }

    @Test
    void refusesOneCharacterMore() {
        expectRefusal(
                service(null, 2, 7),
                "messages: 8 characters in all messages together (expected: at most 7)",
                QUESTION,
                QUESTION);
    }

    @ParameterizedTest
    @CsvSource({",100", "99,99", "100,100", "101,100"})
    void capsTheTokensOfAResponse(@Nullable Integer asked, int sent) {
        GenerationOptions options = new GenerationOptions(null, null, asked, List.of("stop"), 7L, null, null);
        ChatAnswer answer = service(null, 10, 100)
                .answer(null, new ChatRequest(List.of(QUESTION), options))
                .blockOptional(PATIENCE)
                .orElseThrow();
        StepVerifier.create(answer.events()).expectNextCount(1).expectComplete().verify(PATIENCE);

        assertThat(generated.getLast().options())
                .isEqualTo(new GenerationOptions(null, null, sent, List.of("stop"), 7L, null, null));
    }

    private void expectRefusal(ChatService service, String message, Message... messages) {
        StepVerifier.create(service.answer(null, request(messages)))
                .expectErrorMatches(error ->
                        error instanceof LlmException e && e.failure().equals(new InvalidRequest("messages", message)))
                .verify(PATIENCE);
        assertThat(generated).isEmpty();
    }

    private List<Message> sent(@Nullable SystemPrompt systemPrompt, Message... messages) {
        StepVerifier.create(answer(service(systemPrompt, 10, 100), messages).events())
                .expectNextCount(1)
                .expectComplete()
                .verify(PATIENCE);
        return generated.getLast().messages();
    }

    private static ChatAnswer answer(ChatService service, Message... messages) {
        return service.answer(null, request(messages)).blockOptional(PATIENCE).orElseThrow();
    }

    private static ChatRequest request(Message... messages) {
        return new ChatRequest(List.of(messages), GenerationOptions.DEFAULTS);
    }

    private ChatService service(@Nullable SystemPrompt systemPrompt, int maxMessages, int maxCharacters) {
        ModelDirectory models = new ModelDirectory(Mono::never, AllowedModels.ALL, new ModelId("m"));
        ChatModel recording = (model, request) -> Flux.defer(() -> {
            generated.add(request);
            return Flux.just(List.of(new Finished(FinishReason.STOP, new Usage(1, 0))));
        });
        return new ChatService(models, recording, new PromptLimits(maxMessages, maxCharacters), 100, systemPrompt);
    }
}
