package dev.localllm.api.json;

import dev.localllm.core.chat.JsonText;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueSerializer;

/** Copies text as it is escaped already. Thread-safe. */
public final class JsonTextSerializer extends ValueSerializer<JsonText> {

    @Override
    public void serialize(JsonText text, JsonGenerator json, SerializationContext context) {
        json.writeRawValue(text.quoted());
    }
}
