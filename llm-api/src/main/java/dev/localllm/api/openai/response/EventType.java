package dev.localllm.api.openai.response;

/** The types of events that a response has. */
enum EventType {
    CREATED("created"),
    IN_PROGRESS("in_progress"),
    COMPLETED("completed"),
    INCOMPLETE("incomplete"),
    FAILED("failed"),
    ITEM_ADDED("output_item.added"),
    ITEM_DONE("output_item.done"),
    PART_ADDED("content_part.added"),
    PART_DONE("content_part.done"),
    TEXT_DELTA("output_text.delta"),
    TEXT_DONE("output_text.done"),
    SUMMARY_PART_ADDED("reasoning_summary_part.added"),
    SUMMARY_PART_DONE("reasoning_summary_part.done"),
    SUMMARY_DELTA("reasoning_summary_text.delta"),
    SUMMARY_DONE("reasoning_summary_text.done"),
    ARGUMENTS_DELTA("function_call_arguments.delta"),
    ARGUMENTS_DONE("function_call_arguments.done");

    private final String wireName;

    EventType(String name) {
        this.wireName = "response." + name;
    }

    String wireName() {
        return wireName;
    }
}
