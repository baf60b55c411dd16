package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.List;

/** What a model generates for a prompt: thinking, then text or tool calls, cut at a limit or a stop sequence. */
final class Completion {

    private final Prompt prompt;
    private final List<Piece> pieces = new ArrayList<>();
    private int promptTokens;
    private int tokens;
    private boolean cut;

    Completion(Prompt prompt) {
        this.prompt = prompt;
        this.promptTokens = prompt.promptTokens();
        if (prompt.thinking() != null) {
            think(prompt.thinking());
        }
        answer();
    }

    List<Piece> pieces() {
        return pieces;
    }

    int promptTokens() {
        return promptTokens;
    }

    /** The number of generated tokens, including those of a cut piece. */
    int tokens() {
        return tokens;
    }

    String reason() {
        return cut ? "length" : "stop";
    }

    private void think(ThinkLevel level) {
        if (!prompt.chat()) {
            pieces.add(new Piece.Nothing());
        }
        for (String token : level.thoughts(prompt.conversation().question(), prompt.seed())) {
            add(new Piece.Thought(token));
        }
        if (cut) {
            return;
        }
        if (!prompt.chat() || prompt.format() != null) {
            pieces.add(new Piece.Nothing());
        }
        if (prompt.format() != null) {
            startAgain();
        }
    }

    /** Ollama runs the model a second time to apply a format after thinking. Only the second run is counted. */
    private void startAgain() {
        promptTokens += tokens;
        tokens = 0;
    }

    private void answer() {
        List<SimulatorWire.ToolCall> calls = ToolCalls.next(prompt.conversation(), prompt.tools(), prompt.seed());
        for (SimulatorWire.ToolCall call : calls) {
            add(Piece.Call.of(call));
        }
        if (calls.isEmpty()) {
            for (String token : beforeStop(text(), prompt.stop())) {
                add(new Piece.Text(token));
            }
        }
    }

    private List<String> text() {
        Conversation conversation = prompt.conversation();
        if (prompt.format() != null) {
            return Storyteller.tokens(prompt.format().answer(conversation.question()));
        }
        if (!conversation.toolResults().isEmpty()) {
            return Storyteller.tokens(ToolCalls.report(conversation));
        }
        if (!prompt.suffix().isEmpty()) {
            return Storyteller.fill(conversation.last().text(), prompt.suffix(), prompt.seed());
        }
        List<String> text = Storyteller.answer(conversation.last().text(), prompt.seed());
        if (conversation.imageSizes().isEmpty()) {
            return text;
        }
        List<String> tokens = new ArrayList<>(Storyteller.tokens(Images.description(conversation.imageSizes()) + " "));
        tokens.addAll(text);
        return tokens;
    }

    private void add(Piece piece) {
        int end = tokens + piece.tokens().size();
        if (cut || (prompt.maxTokens() > 0 && end > prompt.maxTokens())) {
            cut = true;
            tokens = prompt.maxTokens();
        } else {
            tokens = end;
            pieces.add(piece);
        }
    }

    /** The tokens before the first stop sequence. A token that contains its beginning is truncated. */
    private static List<String> beforeStop(List<String> tokens, List<String> stops) {
        String text = String.join("", tokens);
        int end = stops.stream()
                .filter(stop -> !stop.isEmpty())
                .mapToInt(text::indexOf)
                .filter(index -> index >= 0)
                .min()
                .orElse(text.length());
        return end == text.length() ? tokens : Storyteller.tokens(text.substring(0, end));
    }
}
