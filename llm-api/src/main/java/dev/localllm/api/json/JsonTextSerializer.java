package dev.localllm.api.json;

import dev.localllm.core.chat.JsonText;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueSerializer;

/** Writes {@link JsonText} without escaping it again. Thread-safe. */
public final class JsonTextSerializer extends ValueSerializer<JsonText> {

    @Override
    public void serialize(JsonText text, JsonGenerator json, SerializationContext context) {
        json.writeRawValue(text.quoted());
    }
}
