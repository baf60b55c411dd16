package dev.localllm.api.openai.response;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.Heartbeat;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.api.openai.response.ResponseStates.Response;
import dev.localllm.api.stream.StreamEncoder;
import dev.localllm.core.admission.Place;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;

/**
 * Encodes one streamed answer as OpenAI's events, one buffer per list of events. Keeps the text, which the last events
 * repeat. One encoder per answer; not thread-safe. The caller releases each buffer.
 */
final class EventEncoder implements StreamEncoder {

    /** The fields of the events about the response itself. */
    record ResponseEvent(Response response) {}

    private static final int MAX_BYTES = 1 << 20;
    private static final int TYPICAL_EVENT_BYTES = 256;

    private final DataBufferFactory buffers;
    private final ModelId model;
    private final ResponseStates states;
    private final EventWriter events = new EventWriter();
    private final Output output;
    private boolean started;

    EventEncoder(ResponseStates states, ModelId model, DataBufferFactory buffers) {
        this.states = states;
        this.model = model;
        this.buffers = buffers;
        this.output = new Output(states.idSuffix(), events);
    }

    @Override
    public MediaType contentType() {
        return MediaType.TEXT_EVENT_STREAM;
    }

    /** Throws an {@link LlmException} if the events until now have more than 1 MB of text. */
    @Override
    public DataBuffer encode(List<ChatEvent> arrived) {
        if (output.length() > MAX_BYTES) {
            throw new LlmException(new Overloaded(
                    "The text is longer than " + MAX_BYTES + " bytes, which the last events of a stream repeat.",
                    true));
        }
        return write(arrived.size(), () -> arrived.forEach(this::encode));
    }

    private void encode(ChatEvent event) {
        output.add(event);
        if (event instanceof Finished end) {
            EventType type = end.reason() == FinishReason.LENGTH ? EventType.INCOMPLETE : EventType.COMPLETED;
            writeResponse(type, states.finished(end));
        }
    }

    /** A comment, which clients ignore. */
    @Override
    public DataBuffer heartbeat(@Nullable Place place) {
        return buffers.wrap(Heartbeat.comment(place, model));
    }

    /** The event of a failed response, after those that begin it. */
    @Override
    public DataBuffer failure(FailureResponse failure) {
        return write(1, () -> {
            output.fail();
            writeResponse(EventType.FAILED, states.failed(failure));
        });
    }

    private DataBuffer write(int count, Runnable content) {
        DataBuffer buffer = buffers.allocateBuffer(count * TYPICAL_EVENT_BYTES);
        try {
            events.writeTo(buffer::write);
            begin();
            content.run();
            return buffer;
        } catch (RuntimeException | Error e) {
            DataBufferUtils.release(buffer);
            throw e;
        }
    }

    private void begin() {
        if (!started) {
            started = true;
            writeResponse(EventType.CREATED, states.inProgress());
            writeResponse(EventType.IN_PROGRESS, states.inProgress());
        }
    }

    private void writeResponse(EventType type, Response response) {
        events.write(type, OpenAiJson.filled(new ResponseEvent(response), List.of("output"), List.of(output.json())));
    }
}
