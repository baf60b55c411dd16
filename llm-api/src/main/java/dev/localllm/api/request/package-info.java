/** Each request: its id, body, record, end and log line. */
@NullMarked
package dev.localllm.api.request;

import org.jspecify.annotations.NullMarked;
