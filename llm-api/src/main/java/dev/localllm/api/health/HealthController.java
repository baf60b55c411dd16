package dev.localllm.api.health;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.springframework.boot.actuate.endpoint.ApiVersion;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.web.WebServerNamespace;
import org.springframework.boot.health.actuate.endpoint.CompositeHealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.HealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.IndicatedHealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.ReactiveHealthEndpointWebExtension;
import org.springframework.boot.health.contributor.Status;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/**
 * Actuator's health groups, on the API's port. {@code /health} does not depend on the model server: deploys check it,
 * and a good release must not be rolled back because the model server is down.
 */
@RestController
final class HealthController {

    record Live(String status, String environment, String version, String revision) {}

    /**
     * @param warnings sentences about possible problems
     * @param missing sentences about why the server is not ready; empty if it is
     */
    record Ready(String status, List<String> warnings, List<String> missing) {}

    private final ReactiveHealthEndpointWebExtension health;
    private final ServerInfo server;

    HealthController(ReactiveHealthEndpointWebExtension health, ServerInfo server) {
        this.health = health;
        this.server = server;
    }

    @GetMapping("/health")
    Mono<ResponseEntity<Live>> live() {
        return health(
                "liveness",
                live -> new Live(
                        live.getStatus().getCode(), server.environment(), server.version(), server.revision()));
    }

    @GetMapping("/health/ready")
    Mono<ResponseEntity<Ready>> ready() {
        return health(
                "readiness",
                ready -> new Ready(
                        ready.getStatus().getCode(),
                        parts("server", ready)
                                .flatMap(HealthController::warnings)
                                .toList(),
                        parts("server", ready)
                                .flatMap(HealthController::missing)
                                .toList()));
    }

    private <T> Mono<ResponseEntity<T>> health(String group, Function<HealthDescriptor, T> body) {
        return health.health(ApiVersion.V3, WebServerNamespace.SERVER, SecurityContext.NONE, true, group)
                .map(result -> ResponseEntity.status(result.getStatus())
                        .body(body.apply(Objects.requireNonNull(result.getBody()))));
    }

    private record Part(String name, IndicatedHealthDescriptor descriptor) {}

    private static Stream<Part> parts(String name, HealthDescriptor descriptor) {
        if (descriptor instanceof CompositeHealthDescriptor composite && composite.getComponents() != null) {
            return composite.getComponents().entrySet().stream()
                    .flatMap(component -> parts(component.getKey(), component.getValue()));
        }
        return descriptor instanceof IndicatedHealthDescriptor indicated
                ? Stream.of(new Part(name, indicated))
                : Stream.empty();
    }

    private static Stream<String> warnings(Part part) {
        return part.descriptor.getDetails().get(ModelServerHealth.WARNINGS) instanceof List<?> warnings
                ? warnings.stream().map(Object::toString)
                : Stream.empty();
    }

    private static Stream<String> missing(Part part) {
        return Status.UP.equals(part.descriptor.getStatus())
                ? Stream.empty()
                : Stream.of(reason(part.name, part.descriptor));
    }

    private static String reason(String name, IndicatedHealthDescriptor descriptor) {
        Object reason = descriptor.getDetails().get(ModelServerHealth.REASON);
        return reason == null ? name + " is " + descriptor.getStatus().getCode() + "." : reason.toString();
    }
}
