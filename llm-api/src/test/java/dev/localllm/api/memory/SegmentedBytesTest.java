package dev.localllm.api.memory;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class SegmentedBytesTest {

    @Tag("random")
    @Test
    void returnsTheWrittenBytes() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("SegmentedBytesTest: seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            SegmentedBytes bytes = new SegmentedBytes();
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            for (int i = random.nextInt(12); i > 0; i--) {
                byte[] piece = new byte[random.nextInt(1 << random.nextInt(16))];
                random.nextBytes(piece);
                int offset = random.nextInt(piece.length + 1);
                expected.write(piece, offset, piece.length - offset);
                bytes.write(piece, offset, piece.length - offset);
            }
            ByteArrayOutputStream views = new ByteArrayOutputStream();
            for (ByteBuffer view : bytes.buffers()) {
                byte[] copy = new byte[view.remaining()];
                view.get(copy);
                views.writeBytes(copy);
            }
            assertThat(bytes.length()).isEqualTo(expected.size());
            assertThat(views.toByteArray()).isEqualTo(expected.toByteArray());
        }
    }

    @Tag("allocation")
    @Test
    void allocatesNoObjectPerByte() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        writeByteByByte(); // loads the classes
        long before = threads.getThreadAllocatedBytes(Thread.currentThread().threadId());
        writeByteByByte();
        long allocated = threads.getThreadAllocatedBytes(Thread.currentThread().threadId()) - before;

        assertThat(allocated).isLessThan((1 << 20) * 11 / 10);
    }

    private static void writeByteByByte() {
        byte[] one = {'a'};
        SegmentedBytes bytes = new SegmentedBytes();
        for (int i = 0; i < 1 << 20; i++) {
            bytes.write(one, 0, 1);
        }
    }
}
