package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ReadCoalescerTest {

    private static final String HEAD = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

    private final EmbeddedChannel channel = new EmbeddedChannel(new HttpResponseDecoder(), new ReadCoalescer());

    @AfterEach
    void assertEverythingIsReleased() {
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void mergesOneReadIntoOneBuffer() {
        assertThat(read(HEAD + "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n")).containsExactly("head", "abcdef");
        assertThat(read("1\r\ng\r\n")).containsExactly("g");
        assertThat(read("1\r\nh\r\n0\r\n\r\n")).containsExactly("h", "end");
    }

    @Test
    void keepsAllBytesOfALargeRead() {
        StringBuilder raw = new StringBuilder(HEAD);
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            raw.append("4\r\n").append(1000 + i).append("\r\n");
            expected.append(1000 + i);
        }
        assertThat(read(raw.toString())).containsExactly("head", expected.toString());
        assertThat(read("0\r\n\r\n")).containsExactly("end");
    }

    @Test
    void limitsTheSizeOfABuffer() {
        String chunk = "1000\r\n" + "x".repeat(4096) + "\r\n";

        List<String> messages = read(HEAD + chunk.repeat(20) + "0\r\n\r\n");

        assertThat(messages).hasSize(1 + 10 + 1);
        assertThat(messages.subList(1, 11)).allMatch(text -> text.length() == 8192);
    }

    /** Each copy is twice as large as the one before. */
    @Test
    void copiesALargeReadAFewTimes() {
        CountingAllocator allocator = new CountingAllocator();
        channel.config().setAllocator(allocator);

        read(HEAD + "4\r\nabcd\r\n".repeat(2000) + "0\r\n\r\n");

        assertThat(allocator.buffers).isBetween(1, 20);
    }

    @Test
    void writesIntoNoBufferOfOthers() {
        ByteBuf shared = Unpooled.buffer(16).writeByte('a');
        ByteBuf readOnly = Unpooled.buffer(16).writeByte('a').asReadOnly();
        for (ByteBuf first : List.of(shared.retainedDuplicate(), readOnly)) {
            channel.pipeline().fireChannelRead(new DefaultHttpContent(first));
            channel.pipeline()
                    .fireChannelRead(new DefaultHttpContent(Unpooled.copiedBuffer("b", StandardCharsets.UTF_8)));
            assertThat(read("")).containsExactly("ab");
        }
        assertThat(shared.getByte(1)).isZero();
        assertThat(shared.release()).isTrue();
    }

    @Test
    void forwardsAPendingBufferWhenTheConnectionCloses() {
        channel.pipeline().fireChannelRead(new DefaultHttpContent(Unpooled.copiedBuffer("a", StandardCharsets.UTF_8)));
        channel.close().syncUninterruptibly();

        assertThat(received()).containsExactly("a");
    }

    @Test
    void releasesAPendingBuffer() {
        ByteBuf chunk = Unpooled.buffer().writeByte('x');
        EmbeddedChannel abandoned = new EmbeddedChannel(new ReadCoalescer());
        abandoned.pipeline().fireChannelRead(new DefaultHttpContent(chunk));
        abandoned.pipeline().removeFirst();
        assertThat(chunk.refCnt()).isZero();
        abandoned.finishAndReleaseAll();
    }

    private List<String> read(String raw) {
        channel.writeInbound(Unpooled.copiedBuffer(raw, StandardCharsets.UTF_8));
        return received();
    }

    private List<String> received() {
        List<String> messages = new ArrayList<>();
        for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
            messages.add(
                    switch (message) {
                        case HttpResponse head -> "head";
                        case LastHttpContent end -> "end";
                        case HttpContent content -> taken(content);
                        default -> message.toString();
                    });
        }
        return messages;
    }

    private static String taken(HttpContent content) {
        String text = content.content().toString(StandardCharsets.UTF_8);
        content.release();
        return text;
    }

    private static final class CountingAllocator extends AbstractByteBufAllocator {

        private int buffers;

        @Override
        protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
            buffers++;
            return Unpooled.buffer(initialCapacity, maxCapacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            return newHeapBuffer(initialCapacity, maxCapacity);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }
}
