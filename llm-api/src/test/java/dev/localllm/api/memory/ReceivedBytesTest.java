package dev.localllm.api.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;

class ReceivedBytesTest {

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);

    @AfterEach
    void everySegmentWasReleased() {
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    @Tag("random")
    @Test
    void returnsTheWrittenBytes() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("ReceivedBytesTest: seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            ReceivedBytes bytes = new ReceivedBytes(allocator);
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            for (int i = random.nextInt(12); i > 0; i--) {
                byte[] piece = new byte[random.nextInt(1 << random.nextInt(16))];
                random.nextBytes(piece);
                int offset = random.nextInt(piece.length + 1);
                expected.write(piece, offset, piece.length - offset);
                bytes.write(buffer(piece).readPosition(offset));
            }
            assertThat(bytes.length()).isEqualTo(expected.size());
            try (InputStream stream = Objects.requireNonNull(bytes.take())) {
                assertThat(stream.readAllBytes()).isEqualTo(expected.toByteArray());
            }
        }
    }

    @Test
    void releasesBytesThatWereNotTaken() {
        ReceivedBytes bytes = new ReceivedBytes(allocator);
        bytes.write(buffer(new byte[100_000]));
        bytes.close();
        bytes.close();
        bytes.write(buffer(new byte[1]));

        assertThat(bytes.take()).isNull();
    }

    @Test
    void leavesTakenBytesToTheirStream() throws Exception {
        ReceivedBytes bytes = new ReceivedBytes(allocator);
        bytes.write(buffer(new byte[100_000]));
        InputStream stream = Objects.requireNonNull(bytes.take());
        bytes.close();

        assertThat(bytes.take()).isNull();
        assertThat(stream.readAllBytes()).hasSize(100_000);
        stream.close();
    }

    @Test
    void allocatesNoObjectPerPiece() {
        DataBuffer one = buffer(new byte[1]);
        ReceivedBytes bytes = new ReceivedBytes(allocator);
        for (int i = 0; i < 1 << 20; i++) {
            one.readPosition(0);
            bytes.write(one);
        }
        assertThat(allocator.metric().usedDirectMemory()).isLessThan((1 << 20) * 11 / 10);
        bytes.close();
    }

    private static DataBuffer buffer(byte[] bytes) {
        return DefaultDataBufferFactory.sharedInstance.wrap(bytes);
    }
}
