package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.localllm.core.chat.Part.Image;
import dev.localllm.core.chat.Part.Text;
import dev.localllm.core.chat.Part.ToolCall;
import dev.localllm.core.chat.Part.ToolResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MessageTest {

    private static final Map<Part, Set<Role>> ROLES_OF = Map.of(
            new Text("a"), Set.of(Role.SYSTEM, Role.USER, Role.ASSISTANT),
            new Image("iVBORw0KGgo="), Set.of(Role.USER),
            new ToolCall("call_1", "search", "{}"), Set.of(Role.ASSISTANT),
            new ToolResult("call_1", "search", ""), Set.of(Role.TOOL));

    @Test
    void acceptsOnlyThePartsOfItsRole() {
        assertThat(ROLES_OF.keySet().stream().<Class<?>>map(Part::getClass))
                .containsExactlyInAnyOrder(Part.class.getPermittedSubclasses());
        ROLES_OF.forEach((part, speakers) -> {
            for (Role role : Role.values()) {
                if (speakers.contains(role)) {
                    assertThat(new Message(role, List.of(part)).parts()).containsExactly(part);
                } else {
                    assertThatIllegalArgumentException()
                            .isThrownBy(() -> new Message(role, List.of(part)))
                            .withMessageStartingWith("parts: " + part.getClass().getSimpleName() + " of " + role);
                }
            }
        });
    }

    @Test
    void requiresExactlyOneResultOfATool() {
        ToolResult result = new ToolResult("call_1", "search", "18");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Message(Role.TOOL, List.of()))
                .withMessage("parts: 0 of a tool (expected: 1)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Message(Role.TOOL, List.of(result, result)))
                .withMessage("parts: 2 of a tool (expected: 1)");
    }

    @Test
    void copiesItsParts() {
        List<Part> parts = new ArrayList<>(List.of(new Text("a")));
        Message message = new Message(Role.USER, parts);

        parts.add(new Text("b"));

        assertThat(message).isEqualTo(new Message(Role.USER, "a"));
    }

    @Test
    void requiresNamesInParts() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Image(""))
                .withMessage("base64: '' (expected: an image file)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ToolCall("", "search", "{}"))
                .withMessage("id: '' (expected: the call's id)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ToolCall("call_1", "", "{}"))
                .withMessage("function: '' (expected: the function's name)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ToolResult("", "search", "18"))
                .withMessage("callId: '' (expected: the call's id)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ToolResult("call_1", "", "18"))
                .withMessage("toolName: '' (expected: the function's name)");
    }
}
