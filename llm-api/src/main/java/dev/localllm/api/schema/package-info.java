/** JSON schemas of requests, and whether answers match them. Validation is bounded and never on an event loop. */
@NullMarked
package dev.localllm.api.schema;

import org.jspecify.annotations.NullMarked;
