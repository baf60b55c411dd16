/** What is put before a caller's messages, and how much a caller may send. */
@NullMarked
package dev.localllm.core.prompt;

import org.jspecify.annotations.NullMarked;
