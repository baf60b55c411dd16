package dev.localllm.api.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpHeaders;

class ErrorFormatsTest {

    private final ErrorFormat byPath = new Fake("/a/", null, List.of("x-a", "x-both"));
    private final ErrorFormat byHeader = new Fake("/b/", "x-wire", List.of("x-both", "x-b"));
    private final ErrorFormat last = new Fake("/c/", null, List.of());
    private final ErrorFormats formats = new ErrorFormats(List.of(byPath, byHeader, last));

    @Test
    void usesTheFirstMatchingFormat() {
        assertThat(formats.of("/a/1", ErrorFormatsTest::noHeader)).isSameAs(byPath);
        assertThat(formats.of("/a/1", name -> "yes")).isSameAs(byPath);
        assertThat(formats.of("/b/1", ErrorFormatsTest::noHeader)).isSameAs(byHeader);
        assertThat(formats.of("/c/1", name -> name.equals("x-wire") ? "yes" : null))
                .isSameAs(byHeader);
    }

    @Test
    void usesTheLastFormatForRequestsOfNoWire() {
        assertThat(formats.of("/c/1", ErrorFormatsTest::noHeader)).isSameAs(last);
        assertThat(formats.of("", ErrorFormatsTest::noHeader)).isSameAs(last);
    }

    /** As Spring sees it. MalformedRequestHandlerTest compares the two. */
    @ParameterizedTest
    @CsvSource({
        "/a/1?b=/c/, true",
        "/c/1?a=/a/, false",
        "a/1, true",
        "/b://x/a/1, false",
        "*, false",
        "http://localhost/a/1, true",
        "http://localhost/a/1?b=c, true",
        "http://localhost, false",
        "http://localhost?a=/a/, false",
        "http:/a/1, false"
    })
    void readsThePathOfATarget(String target, boolean matches) {
        assertThat(formats.of(target, ErrorFormatsTest::noHeader)).isSameAs(matches ? byPath : last);
    }

    @Test
    void namesEachHeaderOnce() {
        assertThat(formats.headerNames()).containsExactly("x-a", "x-both", "x-b");
    }

    private static @Nullable String noHeader(String name) {
        return null;
    }

    private record Fake(String prefix, @Nullable String header, List<String> headerNames) implements ErrorFormat {

        @Override
        public boolean matches(String path, Function<String, @Nullable String> headers) {
            return path.startsWith(prefix) || (header != null && headers.apply(header) != null);
        }

        @Override
        public byte[] body(FailureResponse failure) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void writeRetryHeaders(FailureResponse.Retry retry, HttpHeaders response) {
            throw new UnsupportedOperationException();
        }
    }
}
