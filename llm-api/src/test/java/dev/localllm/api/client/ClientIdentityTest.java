package dev.localllm.api.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.limit.ClientId;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpCookie;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.reactive.AbstractServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.SslInfo;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import reactor.core.publisher.Flux;

class ClientIdentityTest {

    private static final String PROXY = "10.0.0.1";
    private static final String PROXY_ADDRESS = "address:0a000001";

    private final ClientIdentity identity = new ClientIdentity(List.of("10.0.0.0/8", "fd00::/8"), "X-Client-Id");

    @ParameterizedTest
    @CsvSource({
        "10.255.255.255, name:ann",
        "fd12::1, name:ann",
        "11.0.0.0, address:0b000000",
        "9.255.255.255, address:09ffffff",
        "2001:db8:0:1::1, address:20010db800000001"
    })
    void trustsOnlyProxies(String peer, String client) {
        assertThat(client(peer, "ann")).isEqualTo(client);
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.7, address:c0000207",
        "2001:db8:0:1::1, address:20010db800000001",
        "2001:db8:0:1:ffff::2, address:20010db800000001",
        "2001:db8:0:2::1, address:20010db800000002",
        "user@example.com, name:user@example.com"
    })
    void identifiesAnAddressByItsNetworkAndOthersByName(String value, String client) {
        assertThat(client(PROXY, value)).isEqualTo(client);
    }

    @Test
    void ignoresAHeaderThatIsMissingRepeatedOrNoName() {
        assertThat(client(PROXY)).isEqualTo(PROXY_ADDRESS);
        assertThat(client(PROXY, "ann", "bob")).isEqualTo(PROXY_ADDRESS);
        for (String value : List.of("", "an n", "안", "a".repeat(129))) {
            assertThat(client(PROXY, value)).as(value).isEqualTo(PROXY_ADDRESS);
        }
        assertThat(client(PROXY, "a".repeat(128))).isEqualTo("name:" + "a".repeat(128));
    }

    @Test
    void chargesRequestsWithoutAPeerTogether() {
        assertThat(identity.of(request(null, "ann"))).isEqualTo(new ClientId("unknown"));
        assertThat(identity.of(request(InetSocketAddress.createUnresolved("localhost", 1), "ann")))
                .isEqualTo(new ClientId("unknown"));
    }

    @Test
    void hashesClientsWithAKey() {
        ClientHash hash = new ClientHash("one".getBytes(StandardCharsets.UTF_8));
        ClientHash other = new ClientHash("two".getBytes(StandardCharsets.UTF_8));
        ClientId ann = new ClientId("ann");

        assertThat(hash.of(ann)).matches("[0-9a-f]{12}").isEqualTo(hash.of(ann));
        assertThat(hash.of(ann)).isNotEqualTo(hash.of(new ClientId("bob"))).isNotEqualTo(other.of(ann));
    }

    private String client(String peer, String... values) {
        return identity.of(request(new InetSocketAddress(peer, 1), values)).value();
    }

    private static ServerHttpRequest request(@Nullable InetSocketAddress peer, String... values) {
        HttpHeaders headers = new HttpHeaders();
        headers.addAll("X-Client-Id", List.of(values));
        return new AbstractServerHttpRequest(HttpMethod.GET, URI.create("/"), null, headers) {
            @Override
            public @Nullable InetSocketAddress getRemoteAddress() {
                return peer;
            }

            @Override
            protected MultiValueMap<String, HttpCookie> initCookies() {
                return new LinkedMultiValueMap<>();
            }

            @Override
            protected @Nullable SslInfo initSslInfo() {
                return null;
            }

            @Override
            @SuppressWarnings("TypeParameterUnusedInFormals") // Spring's signature
            public <T> T getNativeRequest() {
                throw new UnsupportedOperationException();
            }

            @Override
            public Flux<DataBuffer> getBody() {
                return Flux.empty();
            }
        };
    }
}
