package dev.localllm.api.openai;

import dev.localllm.core.chat.JsonText;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/**
 * Writes the records of OpenAI's wire: fields in the order and by the names of a record's components, in snake case.
 * Text is copied as it is escaped already, whatever it holds.
 */
final class OpenAiJson {

    private static final class TextSerializer extends ValueSerializer<JsonText> {
        @Override
        public void serialize(JsonText text, JsonGenerator json, SerializationContext context) {
            json.writeRawValue(text.quoted());
        }
    }

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addModule(new SimpleModule().addSerializer(JsonText.class, new TextSerializer()))
            .build();

    private OpenAiJson() {}

    /** UTF-8. */
    static byte[] bytes(Object value) {
        return MAPPER.writeValueAsBytes(value);
    }
}
