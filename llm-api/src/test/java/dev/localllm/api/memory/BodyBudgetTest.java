package dev.localllm.api.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BodyBudgetTest {

    private static final ClientId ANN = new ClientId("ann");
    private static final ClientId BOB = new ClientId("bob");

    private final AtomicLong now = new AtomicLong();
    private final BodyBudget budget = new BodyBudget(100, 60, now::get);
    private final List<String> aborted = new ArrayList<>();

    @Test
    void countsArrivedBytesAndReleasesThemOnce() {
        BodyBudget.Upload upload = begin("a", ANN);
        assertThat(budget.used()).isZero();
        assertThat(upload.take(40)).isTrue();
        assertThat(upload.take(20)).isTrue();
        assertThat(upload.complete()).isTrue();
        assertThat(budget.used()).isEqualTo(60);

        upload.close();
        upload.close();
        assertThat(budget.used()).isZero();
    }

    @Test
    void abortsTheSlowestUploadWhenTheBudgetIsFull() {
        BodyBudget.Upload slow = begin("slow", ANN);
        BodyBudget.Upload fast = begin("fast", BOB);
        slow.take(50);
        pass(Duration.ofSeconds(2));
        fast.take(50);

        assertThat(fast.take(1)).isTrue();

        assertThat(aborted).containsExactly("slow");
        assertThat(budget.used()).isEqualTo(51);
        assertThat(slow.take(1)).isFalse();
        assertThat(slow.complete()).isFalse();
    }

    @Test
    void treatsASlowTrickleAsSlow() {
        BodyBudget.Upload drip = begin("drip", ANN);
        BodyBudget.Upload steady = begin("steady", BOB);
        drip.take(30);
        for (int second = 0; second < 5; second++) {
            pass(Duration.ofSeconds(1));
            drip.take(1);
            steady.take(10);
        }
        assertThat(steady.take(10)).isTrue();
        assertThat(steady.take(0)).isTrue();
        assertThat(begin("late", new ClientId("cid")).take(20)).isTrue();

        assertThat(aborted).containsExactly("drip");
    }

    @Test
    void abortsNoUploadThatHasJustBegun() {
        BodyBudget.Upload big = begin("big", ANN);
        big.take(60);
        pass(Duration.ofMillis(100));
        begin("other", BOB).take(38);
        pass(Duration.ofMillis(100));

        assertThat(begin("new", new ClientId("cid")).take(3)).isTrue();

        assertThat(aborted).hasSize(1).doesNotContain("new");
    }

    @Test
    void abortsNoUploadWithoutBytes() {
        BodyBudget.Upload waiting = begin("waiting", BOB);
        BodyBudget.Upload full = begin("full", ANN);
        full.take(60);
        pass(Duration.ofSeconds(2));
        BodyBudget.Upload other = begin("other", new ClientId("cid"));
        other.take(40);
        pass(Duration.ofMillis(50));

        assertThat(other.take(1)).isTrue();
        assertThat(waiting.take(1)).isTrue();

        assertThat(aborted).containsExactly("full");
    }

    @Test
    void limitsEachClient() {
        BodyBudget.Upload others = begin("bob's", BOB);
        others.take(10);
        BodyBudget.Upload first = begin("first", ANN);
        first.take(60);
        pass(Duration.ofSeconds(10));

        assertThat(begin("second", ANN).take(1)).isTrue();

        assertThat(aborted).containsExactly("first by its own share");
        assertThat(budget.used()).isEqualTo(11);
    }

    @Test
    void countsTheBodiesOfAClientTogether() {
        BodyBudget.Upload first = begin("first", ANN);
        first.take(25);
        first.complete();
        BodyBudget.Upload second = begin("second", ANN);
        second.take(25);
        second.complete();

        assertThat(begin("third", ANN).take(11)).isFalse();
        assertThat(aborted).containsExactly("third by its own share");
        assertThat(begin("bob's", BOB).take(40)).isTrue();
        first.close();

        BodyBudget.Upload fourth = begin("fourth", ANN);
        assertThat(fourth.take(35)).isTrue();
        fourth.complete();
        assertThat(begin("fifth", ANN).take(1)).isFalse();
    }

    /** In several rounds, as the uploads have no fixed order. */
    @Test
    void comparesOnlyRecentBytes() {
        for (int round = 0; round < 16; round++) {
            BodyBudget.Upload early = begin("early", ANN);
            early.take(50);
            pass(Duration.ofSeconds(2));
            BodyBudget.Upload late = begin("late", BOB);
            late.take(30);
            pass(Duration.ofSeconds(1));
            BodyBudget.Upload next = begin("next", new ClientId("cid"));

            assertThat(next.take(21)).isTrue();

            late.close();
            next.close();
        }
        assertThat(aborted).hasSize(16).containsOnly("early");
    }

    @Test
    void abortsNoCompleteBody() {
        BodyBudget.Upload first = begin("first", ANN);
        first.take(60);
        first.complete();
        BodyBudget.Upload second = begin("second", BOB);
        second.take(40);
        second.complete();
        pass(Duration.ofMinutes(1));

        assertThat(begin("third", new ClientId("cid")).take(1)).isFalse();

        assertThat(aborted).containsExactly("third");
        assertThat(budget.used()).isEqualTo(100);
    }

    private BodyBudget.Upload begin(String name, ClientId client) {
        return budget.begin(client, ownLimit -> aborted.add(ownLimit ? name + " by its own share" : name));
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }
}
