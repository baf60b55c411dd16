package dev.localllm.api.health;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.WebServerNamespace;
import org.springframework.boot.actuate.endpoint.ApiVersion;
import org.springframework.boot.health.actuate.endpoint.CompositeHealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.HealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.IndicatedHealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.ReactiveHealthEndpointWebExtension;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/**
 * Actuator's health groups, on the port that callers and deploys can reach. {@code /health} never asks Ollama: a
 * deploy is judged by it, and a good release must not be rolled back because Ollama is down.
 */
@RestController
final class HealthController {

    record Live(String status, String environment, String version, String revision) {}

    /** @param missing what keeps the server from answering, in words; empty when it is ready */
    record Ready(String status, List<String> missing) {}

    private final ReactiveHealthEndpointWebExtension health;
    private final ServerInfo server;

    HealthController(ReactiveHealthEndpointWebExtension health, ServerInfo server) {
        this.health = health;
        this.server = server;
    }

    @GetMapping("/health")
    Mono<ResponseEntity<Live>> live() {
        return group("liveness")
                .map(result -> ResponseEntity.status(result.getStatus())
                        .body(new Live(
                                result.getBody().getStatus().getCode(),
                                server.environment(),
                                server.version(),
                                server.revision())));
    }

    @GetMapping("/health/ready")
    Mono<ResponseEntity<Ready>> ready() {
        return group("readiness")
                .map(result -> ResponseEntity.status(result.getStatus())
                        .body(new Ready(
                                result.getBody().getStatus().getCode(),
                                missing("server", result.getBody()).toList())));
    }

    private Mono<WebEndpointResponse<? extends HealthDescriptor>> group(String name) {
        return health.health(ApiVersion.V3, WebServerNamespace.SERVER, SecurityContext.NONE, true, name);
    }

    private static Stream<String> missing(String name, HealthDescriptor descriptor) {
        return switch (descriptor) {
            case CompositeHealthDescriptor composite ->
                composite.getComponents().entrySet().stream()
                        .flatMap(component -> missing(component.getKey(), component.getValue()));
            case IndicatedHealthDescriptor indicated
            when !"UP".equals(indicated.getStatus().getCode()) -> Stream.of(reason(name, indicated));
            default -> Stream.empty();
        };
    }

    private static String reason(String name, IndicatedHealthDescriptor descriptor) {
        Map<String, Object> details = descriptor.getDetails();
        Object reason = details == null ? null : details.get(OllamaHealth.REASON);
        return reason == null ? name + " is " + descriptor.getStatus().getCode() + "." : reason.toString();
    }
}
