package dev.localllm.api.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AsyncOutputTest {

    private static final int LINES = 2000;

    private final Target target = new Target();
    private final AsyncOutput output = new AsyncOutput(target);
    private final PrintStream log = new PrintStream(output, false, StandardCharsets.UTF_8);
    private final Thread writer = Thread.ofPlatform().daemon().unstarted(output::run);

    @AfterEach
    void stop() throws InterruptedException {
        target.unblock();
        writer.interrupt();
        writer.join();
    }

    @Test
    void writesInOrder() throws InterruptedException {
        writer.start();

        log.print("one ");
        log.print("two ");
        log.write('3');

        target.await("one two 3");
    }

    @Test
    void doesNotBlockWhileTheTargetDoes() throws InterruptedException {
        target.block();
        writer.start();
        log.print("first\n");
        target.awaitWriter();

        log.print(lines());

        target.unblock();
        target.await("first\n" + lines());
    }

    @Test
    void dropsWhatIsTooMuchAndTellsHowMany() throws InterruptedException {
        byte[] kilobyte = "x".repeat(1024).getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 512 + 3; i++) {
            output.write(kilobyte, 0, kilobyte.length);
        }

        writer.start();

        String first = "x".repeat(512 << 10) + "Dropped 3 log entries: standard output was too slow.\n";
        target.await(first);
        log.print("next\n");
        target.await(first + "next\n");
    }

    @Test
    void writesWhatWaitsThenAllAtOnceWhenItBecomesSynchronous() {
        log.print("waits ");
        output.becomeSynchronous();
        log.print("later");

        assertThat(target).hasToString("waits later");
    }

    @Test
    void tellsThatAnEntryWasTooLarge() throws InterruptedException {
        writer.start();

        output.write(new byte[(512 << 10) + 1], 0, (512 << 10) + 1);

        target.await("Dropped 1 log entries: standard output was too slow.\n");
    }

    @Test
    void letsTheProcessExitWhileTheTargetIsBlocked() throws InterruptedException {
        target.block();
        writer.start();
        log.print("blocked");
        target.awaitWriter();

        output.becomeSynchronous();

        assertThat(target).hasToString("");
    }

    @Test
    void goesOnAfterAFault() throws InterruptedException {
        target.fail(new InternalError("no memory"));
        writer.start();
        log.print("lost");
        target.awaitWriter();
        log.print("next");

        target.await("next");
    }

    @Test
    void losesNothingWhenTheProcessExits() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Printer.class.getName())
                .redirectErrorStream(true)
                .start();

        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).isEqualTo(3);
        assertThat(printed).isEqualTo(lines() + "from a shutdown hook");
    }

    private static String lines() {
        return IntStream.range(0, LINES).mapToObj(i -> i + "\n").collect(Collectors.joining());
    }

    /** Prints, and exits at once. */
    static final class Printer {

        private Printer() {}

        public static void main(String[] args) {
            AsyncOutput output = AsyncOutput.replaceStandardOutput();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                output.becomeSynchronous();
                System.out.print("from a shutdown hook");
            }));
            System.out.print(lines());
            System.exit(3);
        }
    }

    /** Keeps what is written; blocks the writer on demand. */
    private static final class Target extends OutputStream {

        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private final CountDownLatch begun = new CountDownLatch(1);
        private final AtomicReference<Error> next = new AtomicReference<>();
        private volatile CountDownLatch open = new CountDownLatch(0);

        void fail(Error fault) {
            next.set(fault);
        }

        void block() {
            open = new CountDownLatch(1);
        }

        void unblock() {
            open.countDown();
        }

        void awaitWriter() throws InterruptedException {
            begun.await();
        }

        @Override
        public void write(int value) {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            begun.countDown();
            Error fault = next.getAndSet(null);
            if (fault != null) {
                throw fault;
            }
            try {
                open.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            synchronized (this) {
                written.write(bytes, offset, length);
                notifyAll();
            }
        }

        synchronized void await(String expected) throws InterruptedException {
            while (written.size() < expected.getBytes(StandardCharsets.UTF_8).length) {
                wait();
            }
            assertThat(toString()).isEqualTo(expected);
        }

        @Override
        public synchronized String toString() {
            return written.toString(StandardCharsets.UTF_8);
        }
    }
}
