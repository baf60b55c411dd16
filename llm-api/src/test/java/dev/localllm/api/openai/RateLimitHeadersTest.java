package dev.localllm.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.limit.RateDecision;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpHeaders;

class RateLimitHeadersTest {

    @ParameterizedTest
    @CsvSource({
        "PT0S, 0ms",
        "PT0.000000001S, 1ms",
        "PT0.012S, 12ms",
        "PT0.999S, 999ms",
        "PT0.9990001S, 1s",
        "PT1.5S, 1.5s",
        "PT1.05S, 1.05s",
        "PT1.115S, 1.115s",
        "PT59.999S, 59.999s",
        "PT60S, 1m0s",
        "PT61.25S, 1m1.25s",
        "PT1H, 60m0s"
    })
    void formatsDurationsLikeOpenAi(Duration duration, String expected) {
        assertThat(RateLimitHeaders.goDuration(duration)).isEqualTo(expected);
    }

    @Test
    void replacesEarlierValues() {
        HttpHeaders headers = new HttpHeaders();
        RateLimitHeaders.write(new RateDecision(true, 6, 6, Duration.ZERO, Duration.ZERO), headers);
        RateLimitHeaders.write(new RateDecision(true, 6, 5, Duration.ofSeconds(10), Duration.ZERO), headers);

        assertThat(headers.get(RateLimitHeaders.LIMIT)).containsExactly("6");
        assertThat(headers.get(RateLimitHeaders.REMAINING)).containsExactly("5");
        assertThat(headers.get(RateLimitHeaders.RESET)).containsExactly("10s");
    }
}
