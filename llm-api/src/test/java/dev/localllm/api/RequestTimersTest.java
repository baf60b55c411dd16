package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import reactor.core.scheduler.Schedulers;

/** Timers of a request outside its own event loop. StreamCostTest counts those on the event loop. */
class RequestTimersTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final Queue<String> tasks = new ConcurrentLinkedQueue<>();

    @AfterEach
    void removeTheHook() {
        Schedulers.resetOnScheduleHook("count");
    }

    @Test
    void usesNoTimerOfAnotherThread() throws Exception {
        TestServer server = SERVERS.server();
        ask(server, true); // creates what requests share
        Schedulers.onScheduleHook("count", task -> {
            tasks.add(task.toString());
            return task;
        });

        ask(server, true);
        ask(server, false);

        assertThat(tasks).isEmpty();
    }

    private static void ask(TestServer server, boolean stream) throws Exception {
        String body = """
                {"model":"simulator","messages":[{"role":"user","content":"Hello"}],"stream":%s}""".formatted(stream);
        assertThat(server.post("/v1/chat/completions", body).statusCode()).isEqualTo(200);
    }
}
