package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.netty.Connection;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

class ExchangeTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private final Exchange exchange = new Exchange();
    private final AtomicInteger closings = new AtomicInteger();

    @Test
    void runsATaskOnTheEventLoopOfItsConnection() throws Exception {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
        LocalChannel channel = new LocalChannel();
        group.register(channel).sync();
        Exchange exchange = new Exchange();
        List<Boolean> there = new CopyOnWriteArrayList<>();
        CountDownLatch done = new CountDownLatch(1);
        Runnable task = () -> there.add(channel.eventLoop().inEventLoop());

        exchange.onEventLoop(task);
        exchange.connected(Connection.from(channel));
        exchange.onEventLoop(() -> {
            task.run();
            exchange.onEventLoop(task); // at once
            done.countDown();
        });

        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(there).containsExactly(false, true, true);
        channel.close().sync();
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
    }

    @Test
    void isClosedWhenItsAbortedConnectionCloses() {
        EmbeddedChannel channel = begin();
        exchange.connected(Connection.from(channel));

        exchange.abort();
        assertThat(closings).hasValue(0);
        channel.runPendingTasks();

        assertThat(channel.isOpen()).isFalse();
        assertThat(closings).hasValue(1);
    }

    @Test
    void closesItsConnectionWhenItsEventsAreCancelled() {
        EmbeddedChannel channel = new EmbeddedChannel();
        Disposable events = exchange.guard(Flux.never()).subscribe();
        exchange.connected(Connection.from(channel));

        events.dispose();
        channel.runPendingTasks();

        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void isClosedAfterItsResponseAndKeepsTheConnectionOpen() {
        EmbeddedChannel channel = begin();
        exchange.connected(Connection.from(channel));

        exchange.complete();
        assertThat(closings).hasValue(1);
        exchange.abort();
        channel.runPendingTasks();

        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void isClosedAtOnceWithoutAConnectionAndClosesALateOne() {
        EmbeddedChannel channel = begin();

        exchange.abort();
        assertThat(closings).hasValue(1);
        exchange.connected(Connection.from(channel));

        assertThat(channel.isOpen()).isFalse();
    }

    /** The HTTP client retries a request if its connection broke before the response. */
    @Test
    void abortsTheLastOfItsConnections() {
        EmbeddedChannel broken = begin();
        exchange.connected(Connection.from(broken));
        broken.disconnect().syncUninterruptibly();
        EmbeddedChannel second = new EmbeddedChannel();
        exchange.connected(Connection.from(second));

        exchange.abort();
        assertThat(closings).hasValue(0);
        second.runPendingTasks();

        assertThat(second.isOpen()).isFalse();
        assertThat(closings).hasValue(1);
    }

    @Test
    void isClosedAfterTheTimeoutIfTheConnectionDoesNotClose() {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            begin();
            EmbeddedChannel stuck = new EmbeddedChannel(new ChannelOutboundHandlerAdapter() {
                @Override
                public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
                    // never
                }
            });
            exchange.connected(Connection.from(stuck));
            exchange.abort();
            stuck.runPendingTasks();

            time.advanceTimeBy(Exchange.CLOSE_TIMEOUT.minusMillis(1));
            assertThat(closings).hasValue(0);
            time.advanceTimeBy(Duration.ofMillis(1));

            assertThat(closings).hasValue(1);
        } finally {
            VirtualTimeScheduler.reset();
        }
    }

    @Test
    void isClosedIfItsEventsFailBeforeARequest() {
        Flux<Integer> events = exchange.guard(Flux.error(new IllegalStateException("the circuit is open")));

        StepVerifier.create(events).expectError().verify(TIMEOUT);

        StepVerifier.create(exchange.closed()).expectComplete().verify(TIMEOUT);
    }

    /** A client that retries at once must get the permit. */
    @Test
    void isClosedBeforeItsFailureIsEmitted() {
        TestPublisher<Integer> events = TestPublisher.create();
        List<Integer> closedWhenTold = new ArrayList<>();
        exchange.guard(events.flux()).subscribe(nothing -> {}, fault -> closedWhenTold.add(closings.get()));
        exchange.closed().subscribe(nothing -> {}, fault -> {}, closings::incrementAndGet);

        events.error(new IllegalStateException("the circuit is open"));

        assertThat(closedWhenTold).containsExactly(1);
    }

    private EmbeddedChannel begin() {
        exchange.guard(Flux.never()).subscribe();
        exchange.closed().subscribe(nothing -> {}, fault -> {}, closings::incrementAndGet);
        return new EmbeddedChannel();
    }
}
