package dev.localllm.api.openai.response;

import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The call of a function. It arrives complete.
 *
 * <pre>{@code
 * {"id":"fc_1_0","type":"function_call","status":"completed","call_id":"call_1","name":"search","arguments":"{}"}
 * }</pre>
 */
final class CallItem extends OutputItem {

    record Item(String id, String type, String status, JsonText callId, JsonText name, JsonText arguments) {}

    record DeltaEvent(String itemId, int outputIndex, JsonText delta) {}

    record DoneEvent(String itemId, int outputIndex, JsonText arguments) {}

    private final JsonText callId;
    private final JsonText name;
    private final JsonText arguments;

    CallItem(String id, int index, Part.ToolCall call) {
        super(id, index);
        this.callId = JsonText.of(call.id());
        this.name = JsonText.of(call.function());
        this.arguments = JsonText.of(call.arguments());
    }

    @Override
    void writeBegin(EventWriter events) {
        writeAdded(events, item(EMPTY));
    }

    @Override
    void writeEnd(EventWriter events) {
        events.write(EventType.ARGUMENTS_DELTA, new DeltaEvent(id(), index(), arguments));
        events.write(EventType.ARGUMENTS_DONE, new DoneEvent(id(), index(), arguments));
        writeDone(events);
    }

    @Override
    long length() {
        return (long) callId.length() + name.length() + arguments.length();
    }

    @Override
    Object item() {
        return item(arguments);
    }

    private Item item(JsonText sent) {
        return new Item(id(), "function_call", status(), callId, name, sent);
    }

    /** Nothing is collected. */
    @Override
    List<ByteBuffer> filled(Object value) {
        return List.of(ByteBuffer.wrap(OpenAiJson.bytes(value)));
    }
}
