package dev.localllm.api.openai.response;

import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.stream.BodyEncoder;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;

/** Encodes one non-streaming response; the escaped text is copied. One encoder per response; not thread-safe. */
final class ResponseEncoder implements BodyEncoder {

    private final ResponseStates states;
    private final Output output;
    private @Nullable Finished end;

    ResponseEncoder(ResponseStates states) {
        this.states = states;
        this.output = new Output(states.idSuffix(), null);
    }

    @Override
    public MediaType contentType() {
        return MediaType.APPLICATION_JSON;
    }

    @Override
    public long add(List<ChatEvent> events) {
        for (ChatEvent event : events) {
            output.add(event);
            if (event instanceof Finished finished) {
                end = finished;
            }
        }
        return output.length();
    }

    /** Throws an IllegalStateException without {@link Finished}, which the port guarantees. */
    @Override
    public List<ByteBuffer> encode() {
        Finished finished = end;
        if (finished == null) {
            throw new IllegalStateException("the response completed without Finished");
        }
        return OpenAiJson.filled(states.finished(finished), List.of("output"), List.of(output.json()));
    }
}
