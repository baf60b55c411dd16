/**
 * Metrics for operators; docs/metrics.md lists them. They are counted at the end of a request, or read at a scrape:
 * nothing happens per token.
 */
@NullMarked
package dev.localllm.api.metrics;

import org.jspecify.annotations.NullMarked;
