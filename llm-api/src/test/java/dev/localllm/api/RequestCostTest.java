package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Hooks;
import reactor.core.scheduler.Schedulers;

/**
 * What a request with a short answer costs on the server's event loops, the frameworks' part included: operators,
 * allocated bytes, and timers of other threads. StreamCostTest counts the timers of event loops. Measured on JDK 25
 * with the coverage agent, and with the log of deployed servers.
 */
@Tag("allocation")
class RequestCostTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final String EVENT_LOOPS = "http-";
    private static final int REQUESTS = 200;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final TestServer server = SERVERS.server("--LOG_FORMAT=ecs");
    private final AtomicInteger operators = new AtomicInteger();
    private final Queue<String> tasks = new ConcurrentLinkedQueue<>();

    @AfterEach
    void removeTheHooks() {
        Schedulers.resetOnScheduleHook("count");
        Hooks.resetOnEachOperator("count");
    }

    @Test
    void usesNoTimerOfAnotherThread() throws Exception {
        ask(true); // creates what requests share
        Schedulers.onScheduleHook("count", task -> {
            tasks.add(task.toString());
            return task;
        });

        ask(true);
        ask(false);

        assertThat(tasks).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"true, 59", "false, 68"})
    void assemblesFewOperators(boolean stream, int budget) throws Exception {
        ask(stream);
        Hooks.onEachOperator("count", operator -> {
            if (Thread.currentThread().getName().startsWith(EVENT_LOOPS)) {
                operators.incrementAndGet();
            }
            return operator;
        });

        ask(stream);

        System.out.println("operators per request: " + operators);
        assertThat(operators).hasValueLessThanOrEqualTo(budget);
    }

    @ParameterizedTest
    @CsvSource({"true, 42000", "false, 42000"})
    void allocatesLittle(boolean stream, long budget) throws Exception {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 40 && least > budget; round++) { // the compilers need time on a busy machine
            least = Math.min(least, bytesPerRequest(stream));
        }

        System.out.println("allocated bytes per request: " + least);
        assertThat(least).isLessThanOrEqualTo(budget);
    }

    private long bytesPerRequest(boolean stream) throws Exception {
        long before = allocatedBytes();
        for (int i = 0; i < REQUESTS; i++) {
            ask(stream);
        }
        return (allocatedBytes() - before) / REQUESTS;
    }

    private static long allocatedBytes() {
        long sum = 0;
        for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith(EVENT_LOOPS)) {
                sum += THREADS.getThreadAllocatedBytes(thread.getThreadId());
            }
        }
        return sum;
    }

    private void ask(boolean stream) throws Exception {
        String body = """
                {"model":"simulator","messages":[{"role":"user","content":"Answer in 3 tokens"}],"stream":%s}""".formatted(stream);
        assertThat(server.post("/v1/chat/completions", body).statusCode()).isEqualTo(200);
    }
}
