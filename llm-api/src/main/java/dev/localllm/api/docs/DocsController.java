package dev.localllm.api.docs;

import dev.localllm.api.docs.PageFiles.PageFile;
import java.time.Duration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** The OpenAPI document, and a page to read it and to try the routes. Only there if {@code API_DOCS} is on. */
@RestController
@ConditionalOnBooleanProperty("app.docs")
final class DocsController {

    /** The page has its own files only, sends requests to its own server only, and is not shown inside others. */
    private static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
            + "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final Duration CACHED = Duration.ofHours(1);

    @GetMapping("/openapi.json")
    ResponseEntity<byte[]> document() {
        return response(PageFiles.DOCUMENT);
    }

    @GetMapping("/docs")
    ResponseEntity<byte[]> page() {
        return response(PageFiles.PAGE);
    }

    @GetMapping("/docs/{file}")
    ResponseEntity<byte[]> file(@PathVariable String file) {
        PageFile known = PageFiles.named(file);
        if (known == null) {
            throw new ResponseStatusException(HttpStatus.NOT_FOUND);
        }
        return response(known);
    }

    private static ResponseEntity<byte[]> response(PageFile file) {
        return ResponseEntity.ok()
                .contentType(file.type())
                .cacheControl(file.isOwn() ? CacheControl.noCache() : CacheControl.maxAge(CACHED))
                .header("content-security-policy", CONTENT_SECURITY_POLICY)
                .header("x-content-type-options", "nosniff")
                .header("referrer-policy", "no-referrer")
                .body(file.bytes());
    }
}
