package dev.localllm.api.contract;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplicationHook;
import org.springframework.boot.SpringApplicationRunListener;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.context.ConfigurableApplicationContext;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Records the requests and responses of one server, next to the HTTP codec, where also refusals pass that never reach
 * Spring. Checks them on a thread of its own. Thread-safe.
 */
public final class ContractRecorder implements NettyServerCustomizer {

    /** Of one body, in bytes. */
    private static final int MAX_BODY = 1 << 20;

    /** Of all bodies that wait for their check. */
    private static final long MAX_WAITING = 64 << 20;

    private static final int MAX_MISMATCHES = 20;

    private static final boolean IS_ON = Boolean.getBoolean("contract.check");
    private static final ExecutorService CHECKS = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("contract").factory());
    private static final AtomicLong WAITING = new AtomicLong();
    private static final Contract CONTRACT = new Contract(OpenApi.read());

    private final Set<String> mismatches = ConcurrentHashMap.newKeySet();

    private ContractRecorder() {}

    /** Null where nothing is to be recorded: in tests that measure, as the POM does not switch it on for them. */
    public static @Nullable ContractRecorder create() {
        return IS_ON ? new ContractRecorder() : null;
    }

    /** Adds this recorder to the server that starts. */
    public SpringApplicationHook hook() {
        return application -> new SpringApplicationRunListener() {
            @Override
            public void contextPrepared(ConfigurableApplicationContext context) {
                context.getBeanFactory().registerSingleton("contractRecorder", ContractRecorder.this);
            }
        };
    }

    @Override
    public HttpServer apply(HttpServer server) {
        return server.doOnChannelInit((observer, channel, address) ->
                channel.pipeline().addAfter(NettyPipeline.HttpCodec, null, new Handler()));
    }

    /**
     * Waits until all exchanges are checked. Throws an AssertionError if one does not match the document.
     */
    public void assertMatches() {
        CompletableFuture.runAsync(() -> {}, CHECKS)
                .orTimeout(1, TimeUnit.MINUTES)
                .join();
        if (!mismatches.isEmpty()) {
            throw new AssertionError(
                    "exchanges that " + OpenApi.FILE + " does not describe:\n" + String.join("\n", mismatches));
        }
    }

    private void check(Exchange exchange, long size) {
        List<String> found;
        try {
            found = CONTRACT.check(exchange);
        } catch (Throwable e) { // on a thread of an executor, where nobody would see it
            found = List.of("the check failed: " + e);
        } finally {
            WAITING.addAndGet(-size);
        }
        if (!found.isEmpty()) {
            add(exchange.method() + " " + exchange.target() + ": " + exchange.status() + " " + exchange.contentType()
                    + ": " + String.join("; ", found));
        }
    }

    private void add(String mismatch) {
        if (mismatches.size() < MAX_MISMATCHES) {
            mismatches.add(mismatch);
        }
    }

    /** The first bytes of a body. Not thread-safe. */
    private static final class Body {

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private boolean isCut;
        private boolean hasEnded;

        void add(HttpContent content) {
            add(content.content());
            hasEnded = content instanceof LastHttpContent
                    && content.decoderResult().isSuccess();
        }

        void add(ByteBuf added) {
            int length = Math.min(added.readableBytes(), MAX_BODY - bytes.size());
            isCut |= length < added.readableBytes();
            byte[] copy = new byte[length];
            added.getBytes(added.readerIndex(), copy);
            bytes.writeBytes(copy);
        }

        /** True if these are all bytes. */
        boolean isComplete() {
            return hasEnded && !isCut;
        }

        long size() {
            return bytes.size();
        }

        String text() {
            return bytes.toString(StandardCharsets.UTF_8);
        }
    }

    /** The requests and responses of one connection. */
    private final class Handler extends ChannelDuplexHandler {

        private record Request(String method, String target, Body body) {

            static Request unreadable() {
                return new Request("", "", new Body());
            }
        }

        private final Queue<Request> requests = new ArrayDeque<>();
        private Request arriving = Request.unreadable();
        private Request answered = Request.unreadable();
        private @Nullable HttpResponse response;
        private Body body = new Body();

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (message instanceof HttpRequest read) {
                arriving = new Request(read.method().name(), read.uri(), new Body());
                requests.add(arriving);
            }
            if (message instanceof HttpContent content) {
                arriving.body.add(content);
            }
            ctx.fireChannelRead(message);
        }

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) throws Exception {
            if (message instanceof HttpResponse begun && begun.status().codeClass() != HttpStatusClass.INFORMATIONAL) {
                answered = requests.isEmpty() ? Request.unreadable() : requests.remove();
                response = begun;
            }
            if (response != null) {
                record(message);
            }
            super.write(ctx, message, promise);
        }

        private void record(Object message) {
            switch (message) {
                case HttpContent content -> body.add(content);
                case ByteBuf bytes -> body.add(bytes);
                default -> {}
            }
            if (message instanceof LastHttpContent) {
                end();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            if (response != null) {
                end();
            }
            ctx.fireChannelInactive();
        }

        private void end() {
            HttpResponse ended = response;
            Body request = answered.body;
            long size = body.size() + request.size();
            if (WAITING.addAndGet(size) <= MAX_WAITING) {
                Exchange exchange = new Exchange(
                        answered.method,
                        answered.target,
                        request.isComplete() ? request.text() : null,
                        ended.status().code(),
                        ended.headers().copy(),
                        body.text(),
                        body.isComplete());
                CHECKS.execute(() -> check(exchange, size));
            } else {
                WAITING.addAndGet(-size);
                add("not checked, as the checks are too slow: " + answered.method + " " + answered.target);
            }
            response = null;
            body = new Body();
        }
    }
}
