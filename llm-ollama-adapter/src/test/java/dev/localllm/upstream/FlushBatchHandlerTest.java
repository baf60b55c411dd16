package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FlushBatchHandlerTest {

    private final List<Connection> connections = new ArrayList<>();

    /** In production, all connections of a thread share one event loop. Here each has its own. */
    @AfterEach
    void endAllTurns() {
        connections.forEach(Connection::endTurn);
    }

    @Test
    void flushesWhenTheEventLoopHasReadAll() {
        Connection connection = new Connection();

        connection.send("response");
        assertThat(connection.flushed).isEmpty();

        connection.endTurn();
        assertThat(connection.flushed).containsExactly("response");
    }

    @Test
    void flushesOnceForAllThatWasWritten() {
        Connection connection = new Connection();

        connection.send("one");
        connection.send("two");
        connection.endTurn();

        assertThat(connection.flushed).containsExactly("one", "two");
        assertThat(connection.flushes).isEqualTo(1);
    }

    @Test
    void flushesAgainWhatIsWrittenLater() {
        Connection connection = new Connection();

        connection.send("one");
        connection.endTurn();
        connection.send("two");
        connection.endTurn();

        assertThat(connection.flushed).containsExactly("one", "two");
        assertThat(connection.flushes).isEqualTo(2);
    }

    @Test
    void flushesAllConnectionsTogether() {
        Connection client = new Connection();
        Connection server = new Connection();

        client.send("response");
        server.send("request");
        client.endTurn();

        assertThat(client.flushed).containsExactly("response");
        assertThat(server.flushed).containsExactly("request");
    }

    @Test
    void flushesEarlierIfManyConnectionsWait() {
        for (int i = 0; i < FlushBatchHandler.MAX_WAITING; i++) {
            new Connection();
        }

        connections.subList(1, connections.size()).forEach(connection -> connection.send("response"));
        assertThat(connections)
                .allSatisfy(connection -> assertThat(connection.flushed).isEmpty());

        connections.getFirst().send("response");
        assertThat(connections)
                .allSatisfy(connection -> assertThat(connection.flushed).containsExactly("response"));
    }

    @Test
    void flushesWhatAFlushCausesToBeWritten() {
        Connection first = new Connection();
        Connection second = new Connection();

        first.onFlush = () -> second.send("next");
        first.send("response");
        first.endTurn();

        assertThat(second.flushed).containsExactly("next");
    }

    @Test
    void flushesWhatAReadHasCausedWhenTheReadIsComplete() {
        Connection connection = new Connection();

        connection.send("refusal");
        connection.channel.pipeline().fireChannelReadComplete();

        assertThat(connection.flushed).containsExactly("refusal");
    }

    @Test
    void flushesBeforeAClose() {
        Connection connection = new Connection();

        connection.send("last");
        connection.channel.close().syncUninterruptibly();

        assertThat(connection.flushed).containsExactly("last");
    }

    @Test
    void survivesAConnectionThatBreaksWhileItWaits() {
        Connection broken = new Connection();
        Connection other = new Connection();

        broken.send("lost");
        broken.channel.unsafe().close(broken.channel.voidPromise());
        other.send("response");
        endAllTurns();

        assertThat(other.flushed).containsExactly("response");
    }

    /** Records instead of writing to a socket. */
    private final class Connection extends ChannelOutboundHandlerAdapter {

        private final EmbeddedChannel channel = new EmbeddedChannel(this, new FlushBatchHandler());
        private final List<Object> written = new ArrayList<>();
        private final List<Object> flushed = new ArrayList<>();
        private int flushes;
        private Runnable onFlush = () -> {};

        Connection() {
            connections.add(this);
        }

        @SuppressWarnings("FutureReturnValueIgnored") // what was flushed is checked instead
        void send(Object message) {
            channel.pipeline().writeAndFlush(message);
        }

        void endTurn() {
            channel.runPendingTasks();
        }

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            written.add(message);
        }

        @Override
        public void flush(ChannelHandlerContext ctx) {
            flushes++;
            flushed.addAll(written);
            written.clear();
            onFlush.run();
        }
    }
}
