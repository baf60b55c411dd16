package dev.localllm.api.usage;

import dev.localllm.api.request.RequestRecord;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;

/** GET /v1/usage: what the calling client has used. */
@RestController
final class UsageController {

    private final UsageLedger ledger;

    UsageController(UsageLedger ledger) {
        this.ledger = ledger;
    }

    /** The time of the start is in seconds of Unix time. */
    @GetMapping("/v1/usage")
    Map<String, Object> usage(ServerWebExchange exchange) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("object", "usage");
        body.put("since", ledger.since().getEpochSecond());
        body.putAll(ledger.of(RequestRecord.of(exchange).client()).named());
        return body;
    }
}
