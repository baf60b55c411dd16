/** The OpenAPI document and the page that shows it. */
@NullMarked
package dev.localllm.api.docs;

import org.jspecify.annotations.NullMarked;
