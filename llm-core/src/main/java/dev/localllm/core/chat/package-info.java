/**
 * Chat requests and answers. {@link dev.localllm.core.chat.ChatService} is the use case,
 * {@link dev.localllm.core.chat.ChatModel} the port to a model server.
 */
@NullMarked
package dev.localllm.core.chat;

import org.jspecify.annotations.NullMarked;
