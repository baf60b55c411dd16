package dev.localllm.core.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FairQueueTest {

    private static final ModelId QWEN = new ModelId("qwen3:4b");
    private static final ModelId LLAMA = new ModelId("llama3");
    private static final ClientId A = new ClientId("a");
    private static final ClientId B = new ClientId("b");
    private static final ClientId C = new ClientId("c");
    private static final ClientId D = new ClientId("d");

    private final List<String> told = new ArrayList<>();
    private long now = 1_000_000_000_000L;
    private FairQueue queue = queue(1, Map.of());

    @Test
    void grantsAFreePermitAtOnce() {
        Ticket ticket = enter(A);

        assertThat(ticket.isGranted()).isTrue();
        assertThat(ticket.place()).isNull();
        assertThat(told).containsExactly("a granted");
        assertThat(queue.running()).isOne();
        assertThat(queue.waiting()).isZero();
    }

    @Test
    void grantsAReleasedPermitToTheNext() {
        Ticket first = start(A);
        Ticket second = enter(B);
        assertThat(second.isGranted()).isFalse();

        first.release();
        first.release();

        assertThat(second.isGranted()).isTrue();
        assertThat(queue.running()).isOne();
    }

    @Test
    void grantsEachModelItsOwnNumberOfPermits() {
        queue = queue(1, Map.of(new ModelId("QWEN3:4b"), 2));
        queue.report(Set.of(QWEN, LLAMA));
        start(A);
        start(A);

        assertThat(enter(A).isGranted()).isFalse();
        assertThat(enter(A, LLAMA).isGranted()).isTrue();
        assertThat(enter(A, LLAMA).isGranted()).isFalse();
    }

    @Test
    void takesTheClientThatHasUsedLeast() {
        Ticket running = start(A);
        Ticket again = enter(A);
        Ticket other = enter(B);
        pass(10);

        running.release();

        assertThat(other.isGranted()).isTrue();
        assertThat(again.isGranted()).isFalse();
    }

    @Test
    void takesEqualClientsInTheOrderOfTheirArrival() {
        Ticket running = start(A);
        Ticket b = enter(B);
        Ticket c = enter(C);

        running.release();

        assertThat(b.isGranted()).isTrue();
        assertThat(c.isGranted()).isFalse();
    }

    @Test
    void takesTheOlderRequestEvenIfAnEarlierOneOfTheOtherClientHasLeft() {
        Ticket running = start(A);
        Ticket left = enter(B);
        Ticket older = enter(C);
        Ticket newer = enter(B);

        left.leave();
        running.release();

        assertThat(older.isGranted()).isTrue();
        assertThat(newer.isGranted()).isFalse();
    }

    @Test
    void startsANewClientNotBehindThoseThatWaitForTheSameModel() {
        queue = queue(1, Map.of(LLAMA, 1));
        start(D);
        Ticket first = enter(A, LLAMA);
        Ticket second = enter(A, LLAMA);
        pass(50);
        enter(B);
        pass(50);
        Ticket newcomer = enter(C, LLAMA);

        assertThat(first.place()).isEqualTo(new Place(1, null, false));
        assertThat(newcomer.place()).isEqualTo(new Place(2, null, false));
        assertThat(second.place()).isEqualTo(new Place(3, null, false));
    }

    /** B's requests start at 35, 45, 55 and 65 s, that of D at 60 s. Those for another model don't count. */
    @Test
    void startsANewClientAtTheLevelOfTheOthersIfNobodyWaitsForTheModel() {
        queue = roomy(1);
        use(D, 10);
        start(D);
        enter(A, LLAMA);
        pass(50);
        for (int i = 0; i < 4; i++) {
            enter(B);
        }

        Place place = enter(D).place();

        assertThat(place).extracting(Place::position).isEqualTo(4);
    }

    @Test
    void tellsTheNextWhenARequestLeavesThatWasGrantedItsPermit() {
        Ticket granted = enter(A);
        enter(B);

        granted.leave();

        assertThat(told).containsExactly("a granted", "b granted");
    }

    @Test
    void tellsRequestsForAModelThatHasBeenLoadedBeside() {
        start(A);
        enter(B, LLAMA);

        queue.report(Set.of(QWEN, LLAMA));

        assertThat(told).containsExactly("a granted", "b granted");
    }

    /** Two permits become free at the same moment. */
    @Test
    void takesOfEqualClientsTheOneWithFewerRunningRequests() {
        queue = queue(2, Map.of());
        Ticket one = start(A);
        Ticket two = start(A);
        enter(B);
        Ticket secondOfB = enter(B);
        Ticket c = enter(C);

        one.release();
        two.release();

        assertThat(c.isGranted()).isTrue();
        assertThat(secondOfB.isGranted()).isFalse();
    }

    @Test
    void givesNoCreditToAnIdleClient() {
        use(A, 15);
        Ticket ofA = start(A);
        Ticket firstOfB = enter(B);
        Ticket secondOfB = enter(B);
        Ticket secondOfA = enter(A);
        pass(1);
        ofA.release();
        assertThat(firstOfB.isGranted()).isTrue();
        firstOfB.start();
        pass(2);

        firstOfB.release(); // B has used 2 s since it came, A 1 s

        assertThat(secondOfA.isGranted()).isTrue();
        assertThat(secondOfB.isGranted()).isFalse();
    }

    @Test
    void givesNoCreditToAClientThatRunsAndDoesNotWait() {
        queue = queue(3, Map.of());
        Ticket ofB = start(B);
        Ticket one = start(A);
        Ticket two = start(A);
        Ticket firstOfA = enter(A);
        Ticket secondOfA = enter(A);
        pass(30);
        one.release();
        firstOfA.start(); // the level of A is 20, that of B 10
        Ticket firstOfB = enter(B); // starts at 20, too

        two.release();

        assertThat(secondOfA.isGranted()).isTrue();
        assertThat(firstOfB.isGranted()).isFalse();
        ofB.release();
        assertThat(firstOfB.isGranted()).isTrue();
    }

    @Test
    void letsNewcomersNotGoFirstForEver() {
        Ticket first = start(A);
        Ticket waiting = enter(A);
        Ticket running = enter(new ClientId("newcomer"));
        pass(30);
        first.release();
        int newcomers = 0;
        while (!waiting.isGranted()) {
            Ticket next = enter(new ClientId("newcomer-" + newcomers++));
            assertThat(running.start()).isTrue();
            pass(3);
            running.release();
            running = next;
            assertThat(newcomers).isLessThanOrEqualTo(24);
        }
        assertThat(newcomers).isGreaterThanOrEqualTo(9);
    }

    @Test
    void forgetsDebtsWhenNothingRuns() {
        Ticket greedy = start(A);
        Ticket waiting = enter(B);
        pass(30);
        waiting.leave();
        greedy.release(); // the level of A is 30, the fair part was 15

        Ticket running = start(B);
        Ticket ofA = enter(A);
        enter(D);
        running.release();

        assertThat(ofA.isGranted()).isTrue();
    }

    /** A client of another model may be far ahead. */
    @Test
    void startsANewcomerNoLaterThanTheOthersThatWaitForItsModel() {
        queue = queue(2, Map.of(LLAMA, 1));
        queue.report(Set.of(QWEN, LLAMA));
        start(A);
        start(A);
        Ticket ofB = start(B, LLAMA);
        Ticket second = enter(B, LLAMA);
        pass(30); // A has used 20, B 10; the fair part is 15
        Ticket newcomer = enter(D, LLAMA); // starts at 10
        ofB.release();
        assertThat(second.isGranted()).isTrue();
        second.start();
        Ticket third = queue.enter(B, LLAMA);
        pass(9); // B has used 13

        second.release();

        assertThat(newcomer.isGranted()).isTrue();
        assertThat(third.isGranted()).isFalse();
    }

    @Test
    void startsANewcomerWithTheFairPartIfTheOthersWaitForAnotherModel() {
        queue = roomy(2);
        queue.report(Set.of(QWEN, LLAMA));
        start(A);
        start(A);
        Ticket ofB = start(B, LLAMA);
        pass(30);
        Ticket waiting = enter(A); // its level is 20
        Ticket newcomer = enter(D, LLAMA); // starts at 15
        ofB.release();
        newcomer.start();
        Ticket ofD = enter(D, LLAMA);
        Ticket again = queue.enter(B, LLAMA); // starts at 10, as it only ran: raised to the level of D
        pass(3);

        newcomer.release();

        assertThat(ofD.isGranted()).isFalse();
        assertThat(again.isGranted()).isTrue();
        waiting.leave();
    }

    /** At the time of the report, not of the request before it. */
    @Test
    void comparesTheLevelsOfNow() {
        queue = roomy(3);
        start(A);
        Ticket one = start(B);
        Ticket two = start(B);
        pass(9);
        one.release();
        two.release(); // A has used 3, B 6
        Ticket ofA = enter(A, LLAMA);
        Ticket ofB = enter(B, LLAMA);
        pass(10); // A has used 13

        queue.report(Set.of(QWEN, LLAMA));

        assertThat(ofB.isGranted()).isTrue();
        assertThat(ofA.isGranted()).isFalse();
    }

    @Test
    void remembersTheDebtOfAClientThatLeaves() {
        Ticket ofA = start(A);
        Ticket ofB = enter(B);
        pass(10);
        ofA.release();
        ofB.start();
        Ticket againA = enter(A);
        Ticket againB = enter(B);
        pass(3);

        ofB.release();

        assertThat(againB.isGranted()).isTrue();
        assertThat(againA.isGranted()).isFalse();
    }

    @Test
    void dividesByTheWeight() {
        queue = queue(1, Map.of());
        Ticket ofA = start(A);
        Ticket ofC = enter(C); // weight 4
        enter(A);
        pass(10);
        ofA.release();
        ofC.start();
        Ticket secondOfC = enter(C);
        pass(30); // 7.5 s per weight

        ofC.release();

        assertThat(secondOfC.isGranted()).isTrue();
    }

    @Test
    void chargesTheTimeDividedByThePermits() {
        queue = queue(2, Map.of());
        Ticket first = start(A);
        pass(10);
        Ticket second = start(B);
        pass(10);
        assertThat(first.receipt().charged()).isEqualTo(Duration.ofSeconds(15));
        first.release();
        pass(10);
        second.release();
        pass(10);

        assertThat(first.receipt().charged()).isEqualTo(Duration.ofSeconds(15));
        assertThat(second.receipt().charged()).isEqualTo(Duration.ofSeconds(15));
    }

    @Test
    void chargesNothingWhileItWaitsOrIfTheClockGoesBack() {
        queue.report(Set.of(QWEN, LLAMA));
        start(A);
        Ticket waiting = enter(B);
        pass(10);
        assertThat(waiting.receipt().charged()).isZero();

        Ticket last = start(C, LLAMA);
        pass(-5);

        assertThat(last.receipt().charged()).isZero();
    }

    @Test
    void chargesAPermitThatIsNotUsed() {
        Ticket ticket = enter(A);
        pass(5);

        ticket.leave();

        assertThat(ticket.receipt().charged()).isEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void forgetsARequestThatLeaves() {
        Ticket running = start(A);
        Ticket waiting = enter(B);
        waiting.leave();
        waiting.leave();
        assertThat(queue.waiting()).isZero();

        running.leave(); // too late
        assertThat(queue.running()).isOne();
        running.release();

        assertThat(queue.running()).isZero();
        assertThat(told).containsExactly("a granted");
    }

    @Test
    void takesBackAPermitThatWasNotUsed() {
        Ticket unused = enter(A);
        Ticket next = enter(B);

        unused.release();
        assertThat(next.isGranted()).as("released without a start").isFalse();
        unused.leave();

        assertThat(next.isGranted()).isTrue();
        assertThat(unused.start()).isFalse();
        assertThat(next.start()).isTrue();
        assertThat(next.start()).isFalse();
    }

    @Test
    void tellsAListenerThatComesLate() {
        Ticket ticket = queue.enter(A, QWEN);
        assertThat(told).isEmpty();

        listen(ticket, A);

        assertThat(told).containsExactly("a granted");
    }

    @Test
    void tellsNothingToARequestThatLeftMeanwhile() {
        Ticket running = start(A);
        Ticket ofB = queue.enter(B, QWEN);
        Ticket ofC = queue.enter(C, QWEN);
        ofB.listen(new Ticket.Listener() {
            @Override
            public void onGranted() {
                told.add("b granted");
                ofC.leave();
                ofB.leave();
            }

            @Override
            public void onRefused(LlmFailure failure) {
                told.add("b refused");
            }
        });
        listen(ofC, C);

        running.release();

        assertThat(told).containsExactly("a granted", "b granted");
        assertThat(queue.running()).isZero();
    }

    /** As if the model server failed at once for each of them. */
    @Test
    void bearsALongChainOfListenersThatReleaseAtOnce() {
        queue = new FairQueue(
                new QueueLimits(5001, 5000, 1, Map.of(), Map.of(), Duration.ofDays(1), Duration.ZERO), () -> now);
        Ticket first = start(A);
        for (int i = 0; i < 5000; i++) {
            Ticket ticket = queue.enter(A, QWEN);
            ticket.listen(new Ticket.Listener() {
                @Override
                public void onGranted() {
                    ticket.start();
                    ticket.release();
                }

                @Override
                public void onRefused(LlmFailure failure) {
                    throw new AssertionError(failure);
                }
            });
        }

        first.release();

        assertThat(queue.running()).isZero();
        assertThat(queue.waiting()).isZero();
    }

    @Test
    void tellsTheOthersEvenIfAListenerThrows() {
        Ticket running = start(A);
        Ticket ofB = queue.enter(B, QWEN);
        ofB.listen(new Ticket.Listener() {
            @Override
            public void onGranted() {
                ofB.leave();
                throw new IllegalStateException("no room");
            }

            @Override
            public void onRefused(LlmFailure failure) {
                throw new AssertionError(failure);
            }
        });
        Ticket ofC = enter(C);

        assertThatIllegalStateException().isThrownBy(running::release).withMessage("no room");

        assertThat(ofC.isGranted()).isTrue();
        assertThat(told).containsExactly("a granted", "c granted");
    }

    @Test
    void refusesMoreThanTheWholeQueue() {
        start(A);
        enter(A);
        enter(A);
        enter(B);
        enter(C);

        Overloaded refusal = refusal(B);

        assertThat(refusal.message()).isEqualTo("The queue is full. The request would have place 5.");
        assertThat(refusal.charged()).isFalse();
        assertThat(refusal.retryAfter()).isNull();
        assertThat(queue.waiting()).isEqualTo(4);
    }

    @Test
    void refusesMoreThanTheClientsPart() {
        use(A, 4);
        Ticket running = start(A);
        enter(A);
        enter(A);
        pass(1);

        Overloaded refusal = refusal(A);

        assertThat(refusal.message())
                .isEqualTo("The client has too many waiting requests. The request would have place 3 and an expected"
                        + " wait of 11 s.");
        assertThat(refusal.charged()).isTrue();
        assertThat(refusal.retryAfter()).isEqualTo(Duration.ofSeconds(3));
        assertThat(queue.waiting()).isEqualTo(2);
        running.release();
        assertThat(queue.running()).isOne();
    }

    @Test
    void refusesARequestWhoseWaitWouldBeTooLong() {
        use(A, 40);
        start(A);
        enter(A);
        pass(10);

        Overloaded refusal = refusal(A);

        assertThat(refusal.message())
                .isEqualTo("The wait would be too long. The request would have place 2 and an expected wait of 70 s.");
        assertThat(refusal.charged()).isFalse();
        assertThat(refusal.retryAfter()).isEqualTo(Duration.ofSeconds(10));
        assertThat(queue.waiting()).isOne();
    }

    @Test
    void acceptsAWaitAsLongAsTheTimeout() {
        use(A, 30);
        start(A);
        enter(A);

        assertThat(enter(A).place()).isEqualTo(new Place(2, Duration.ofSeconds(60), false));
    }

    @Test
    void tellsPositionAndWait() {
        use(A, 10);
        Ticket running = start(A);
        Ticket secondOfA = enter(A);
        Ticket firstOfB = enter(B);
        Ticket secondOfB = enter(B);
        pass(4);

        assertThat(firstOfB.place()).isEqualTo(new Place(1, Duration.ofSeconds(6), false));
        assertThat(secondOfA.place()).isEqualTo(new Place(2, Duration.ofSeconds(16), false));
        assertThat(secondOfB.place()).isEqualTo(new Place(3, Duration.ofSeconds(26), false));

        running.release();
        assertThat(firstOfB.place()).isNull();
        assertThat(secondOfA.place().position()).isOne();
    }

    @Test
    void tellsThePlaceByWeight() {
        use(A, 8);
        start(C); // weight 4: its level when it has ended is 10
        Ticket firstOfB = enter(B);
        Ticket secondOfB = enter(B);
        Ticket firstOfC = enter(C);
        Ticket secondOfC = enter(C);

        assertThat(List.of(firstOfB, firstOfC, secondOfC, secondOfB))
                .extracting(ticket -> ticket.place().position())
                .containsExactly(1, 2, 3, 4);
    }

    @Test
    void tellsThePlaceAmongTheRequestsForTheSameModel() {
        queue.report(Set.of(QWEN, LLAMA));
        use(A, 10);
        start(A);
        start(B, LLAMA);
        enter(A);

        assertThat(enter(B, LLAMA).place()).isEqualTo(new Place(1, Duration.ofSeconds(20), false)); // half of the GPU
    }

    @Test
    void tellsNoWaitForAnotherModel() {
        use(A, 10);
        start(A);

        assertThat(enter(B, LLAMA).place()).isEqualTo(new Place(1, null, false));
    }

    @Test
    void countsNoTimeWithoutRequestsAsAWait() {
        use(A, 10);
        pass(3600);
        start(A);

        assertThat(enter(B).place()).isEqualTo(new Place(1, Duration.ofSeconds(10), false));
    }

    @Test
    void tellsNoWaitBeforeItKnowsOne() {
        start(A);
        enter(B);

        assertThat(enter(C).place()).isEqualTo(new Place(2, null, false));
    }

    @Test
    void letsRequestsForTheLoadedModelGoFirst() {
        Ticket running = start(A);
        Ticket same = enter(A);
        Ticket other = enter(B, LLAMA);
        pass(10);

        running.release();

        assertThat(same.isGranted()).isTrue();
        assertThat(other.isGranted()).isFalse();
    }

    @Test
    void switchesTheModelAfterAWhile() {
        Ticket running = start(A);
        Ticket same = enter(A);
        Ticket other = enter(B, LLAMA);
        pass(20);

        running.release();

        assertThat(other.isGranted()).isTrue();
        assertThat(same.isGranted()).isFalse(); // now it is the one that needs a switch
        other.start();
        other.release();
        assertThat(same.isGranted()).isTrue();
    }

    @Test
    void countsTheTimeToTheSwitchOverSeveralAnswers() {
        Ticket running = start(A);
        Ticket second = enter(A);
        Ticket third = enter(A);
        Ticket other = enter(B, LLAMA);
        pass(10);
        running.release();
        second.start();
        pass(10);

        second.release();

        assertThat(other.isGranted()).isTrue();
        assertThat(third.isGranted()).isFalse();
    }

    @Test
    void countsTheTimeToTheSwitchFromTheLatestOne() {
        Ticket running = start(A);
        Ticket same = enter(A);
        Ticket other = enter(B, LLAMA);
        Ticket another = enter(C, LLAMA);
        pass(20);
        running.release();
        other.start();
        pass(19);

        other.release();

        assertThat(another.isGranted()).isTrue();
        assertThat(same.isGranted()).isFalse();
    }

    @Test
    void switchesTheModelWhenNoOtherIsRunning() {
        queue = queue(2, Map.of());
        Ticket one = start(A);
        Ticket two = start(A);
        Ticket other = enter(B, LLAMA);
        one.release();
        assertThat(other.isGranted()).isFalse();
        Ticket third = start(A);
        pass(20);
        Ticket fourth = enter(A);

        two.release();
        assertThat(fourth.isGranted())
                .as("would prolong the wait for the switch")
                .isFalse();
        third.release();

        assertThat(other.isGranted()).isTrue();
        assertThat(fourth.isGranted()).isFalse();
    }

    /** Several clients want the other model, each for a short time. */
    @Test
    void switchesTheModelForWhoeverWantsItThen() {
        Ticket running = start(A);
        Ticket same = enter(A);
        Ticket impatient = enter(B, LLAMA);
        pass(19);
        Ticket other = enter(C, LLAMA);
        impatient.leave();
        pass(1);

        running.release();

        assertThat(other.isGranted()).isTrue();
        assertThat(same.isGranted()).isFalse();
    }

    @Test
    void restartsTheTimeToTheSwitchWhenNobodyWantsOne() {
        Ticket running = start(A);
        Ticket same = enter(A);
        enter(B, LLAMA).leave();
        pass(19);
        Ticket other = enter(B, LLAMA); // its level is 19
        pass(1);

        running.release();

        assertThat(same.isGranted()).isTrue();
        assertThat(other.isGranted()).isFalse();
    }

    /** The model server was asked before it has loaded, or unloaded, something. */
    @Test
    void ignoresAReportThatIsOlderThanASwitch() {
        start(A);
        Ticket other = enter(B, LLAMA);

        queue.report(Set.of());
        queue.report(Set.of(LLAMA));

        assertThat(other.isGranted()).isFalse();
    }

    @Test
    void needsNoSwitchBetweenModelsThatAreLoadedSideBySide() {
        start(A);
        enter(A);
        Ticket other = enter(B, LLAMA);
        assertThat(other.isGranted()).isFalse();

        queue.report(Set.of(QWEN, new ModelId("llama3:latest")));

        assertThat(other.isGranted()).isTrue();
    }

    @Test
    void refusesTheWaitingWhenItIsShutDown() {
        Ticket running = start(A);
        enter(B);
        Ticket unheard = queue.enter(C, QWEN);

        queue.shutDown();
        listen(unheard, C);

        assertThat(told).containsExactly("a granted", "b refused", "c refused");
        assertThat(queue.waiting()).isZero();
        assertThat(queue.running()).isOne();
        running.release();
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> queue.enter(A, QWEN))
                .matches(e -> e.failure().equals(new ShuttingDown()));
    }

    @Test
    void boundsTheMemoryOfManyClients() {
        for (int i = 0; i < 1_000_000; i++) {
            Ticket ticket = queue.enter(new ClientId("client-" + i), QWEN);
            ticket.start();
            pass(0.0001);
            ticket.release();
        }

        assertThat(queue.clients()).isLessThanOrEqualTo(FairQueue.MAX_CLIENTS);
        assertThat(queue.running()).isZero();
    }

    @Test
    void dropsIdleClientsAtTheLimitOncePerSecond() {
        queue = queue(2, Map.of());
        fill("first-");
        assertThat(queue.clients()).isEqualTo(FairQueue.MAX_CLIENTS);
        start(A);
        assertThat(queue.clients()).isOne();
        fill("second-");
        assertThat(queue.clients()).isEqualTo(FairQueue.MAX_CLIENTS);

        use(B, 0);
        assertThat(queue.clients()).as("too early to look for idle ones").isEqualTo(FairQueue.MAX_CLIENTS);
        pass(1);
        use(B, 0);

        assertThat(queue.clients()).as("A and B").isEqualTo(2);
    }

    private void fill(String name) {
        for (int i = queue.clients(); i < FairQueue.MAX_CLIENTS; i++) {
            use(new ClientId(name + i), 0);
        }
    }

    /** All further clients together are not one client. */
    @Test
    void limitsTheWaitingOfNoneOfTheClientsThatShareAnAccount() {
        int most = FairQueue.MAX_CLIENTS;
        queue = new FairQueue(
                new QueueLimits(2 * most, 2, most, Map.of(), Map.of(), Duration.ofDays(1), Duration.ZERO), () -> now);
        for (int i = 0; i < most; i++) {
            start(new ClientId("client-" + i));
        }

        enter(A);
        enter(B);
        enter(C);

        assertThat(queue.waiting()).isEqualTo(3);
        assertThat(queue.clients()).isEqualTo(most);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1})
    void requiresPositiveLimits(int value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new QueueLimits(value, 1, 1, Map.of(), Map.of(), Duration.ZERO, Duration.ZERO))
                .withMessage("requests: " + value + " (expected: 1 or more)");
        assertThatIllegalArgumentException().isThrownBy(() -> queue(value, Map.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> queue(1, Map.of(QWEN, value)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new QueueLimits(1, 1, 1, Map.of(), Map.of(A, value), Duration.ZERO, Duration.ZERO));
    }

    private FairQueue queue(int parallel, Map<ModelId, Integer> parallelByModel) {
        QueueLimits limits = new QueueLimits(
                5, 2, parallel, parallelByModel, Map.of(C, 4), Duration.ofSeconds(60), Duration.ofSeconds(20));
        return new FairQueue(limits, () -> now);
    }

    private FairQueue roomy(int parallel) {
        return new FairQueue(
                new QueueLimits(
                        20, 20, parallel, Map.of(LLAMA, 1), Map.of(), Duration.ofDays(1), Duration.ofSeconds(20)),
                () -> now);
    }

    @Test
    void expectsTheNextEndFromTheLatestOne() {
        queue = queue(2, Map.of());
        use(A, 10);
        Ticket first = start(A);
        start(B);
        enter(C);
        Ticket last = enter(D);
        pass(6);

        first.release();

        assertThat(last.place()).isEqualTo(new Place(1, Duration.ofMillis(6500), false)); // the mean of 10 and 3
    }

    // --- loads

    @Test
    void asksTheFirstRequestToLoadTheModel() {
        Ticket first = queue.enter(A, QWEN);
        assertThat(needsLoad(first)).isTrue();
        assertThat(first.place()).isEqualTo(new Place(0, null, true));

        first.onLoaded();

        assertThat(needsLoad(first)).isFalse();
        assertThat(first.place()).isNull();
        first.leave();
        assertThat(needsLoad(queue.enter(B, QWEN))).isFalse();
    }

    @Test
    void asksForNoLoadOfWhatTheModelServerHasLoaded() {
        queue.report(Set.of(QWEN, LLAMA));

        assertThat(needsLoad(queue.enter(A, QWEN))).isFalse();
        assertThat(queue.loaded()).containsExactlyInAnyOrder("qwen3:4b", "llama3:latest");
    }

    @Test
    void asksForALoadAfterTheModelServerHasUnloadedTheModel() {
        use(A, 1);

        queue.report(Set.of());

        assertThat(needsLoad(queue.enter(A, QWEN))).isTrue();
    }

    @Test
    void asksForALoadOfTheOtherModelAfterASwitch() {
        use(A, 1);
        Ticket other = queue.enter(A, LLAMA);
        assertThat(needsLoad(other)).isTrue();
        other.onLoaded();
        other.leave();

        assertThat(needsLoad(queue.enter(A, QWEN))).isTrue();
    }

    @Test
    void asksTheNextRequestIfNobodyHasLoadedTheModel() {
        Ticket failed = queue.enter(A, QWEN);
        Ticket next = queue.enter(B, QWEN);
        assertThat(needsLoad(next)).isFalse(); // it waits

        assertThat(failed.startLoad()).isTrue();
        failed.release();

        assertThat(needsLoad(next)).isTrue();
    }

    @Test
    void startsTheGenerationAfterTheLoad() {
        Ticket ticket = queue.enter(A, QWEN);
        assertThat(ticket.startLoad()).isTrue();
        assertThat(ticket.startLoad()).isFalse();
        assertThat(ticket.start()).isFalse();
        ticket.leave();
        assertThat(ticket.isGranted()).isTrue();

        assertThat(ticket.onLoaded()).isTrue();

        assertThat(ticket.onLoaded()).isFalse();
        assertThat(ticket.abandon()).isFalse();
        assertThat(ticket.receipt()).isEqualTo(receipt(0, 0, 0, true));
        ticket.release();
        assertThat(queue.running()).isZero();
    }

    @Test
    void startsNoGenerationOfAnAbandonedRequest() {
        Ticket ticket = queue.enter(A, QWEN);
        assertThat(ticket.abandon()).isFalse();
        ticket.startLoad();
        assertThat(ticket.abandon()).isTrue();
        assertThat(ticket.abandon()).isFalse();
        assertThat(ticket.place()).isEqualTo(new Place(0, null, true));

        assertThat(ticket.onLoaded()).isFalse();

        assertThat(queue.running()).isOne();
        ticket.release();
        assertThat(queue.running()).isZero();
        assertThat(needsLoad(queue.enter(A, QWEN))).isFalse();
    }

    @Test
    void needsNoLoadOnceItHasStarted() {
        queue = queue(2, Map.of());
        Ticket first = start(A);
        queue.report(Set.of(QWEN, LLAMA));
        Ticket other = enter(B, LLAMA);
        assertThat(other.startLoad()).isFalse();
        other.leave();

        assertThat(first.place()).isNull();
        assertThat(first.startLoad()).isFalse();
    }

    /** What else is loaded still is, and still works. */
    @Test
    void forgetsOnlyTheModelThatNobodyHasLoaded() {
        queue = queue(1, Map.of(LLAMA, 1));
        Ticket failed = queue.enter(A, LLAMA);
        failed.startLoad();
        queue.report(Set.of(QWEN, LLAMA));
        start(A, QWEN);

        failed.release();

        assertThat(queue.loaded()).containsExactly("qwen3:4b");
        assertThat(enter(B, new ModelId("third")).isGranted()).isFalse();
    }

    @Test
    void asksAllRequestsWithAPermitUntilOneHasLoadedTheModel() {
        queue = queue(3, Map.of());
        Ticket first = queue.enter(A, QWEN);
        Ticket second = queue.enter(B, QWEN);
        first.leave();
        assertThat(needsLoad(second)).isTrue();
        Ticket third = queue.enter(C, QWEN);
        assertThat(needsLoad(third)).isTrue();

        second.onLoaded();

        assertThat(needsLoad(second)).isFalse();
        assertThat(needsLoad(third)).isFalse();
        assertThat(needsLoad(queue.enter(A, QWEN))).isFalse();
    }

    @Test
    void ignoresTheLoadOfARequestWithoutPermit() {
        Ticket first = queue.enter(A, QWEN);
        Ticket waiting = queue.enter(B, QWEN);

        waiting.onLoaded();

        assertThat(needsLoad(first)).isTrue();
    }

    @Test
    void tellsTheWaitingOfALoadAndEstimatesNothing() {
        use(A, 1);
        queue.report(Set.of());
        queue.enter(A, QWEN);

        assertThat(enter(B).place()).isEqualTo(new Place(1, null, true));
    }

    @Test
    void estimatesWithoutTheTimeOfLoads() {
        Ticket cold = queue.enter(A, QWEN);
        cold.startLoad();
        pass(100);
        cold.onLoaded();
        pass(10);
        cold.release();
        start(A);

        assertThat(enter(B).place()).isEqualTo(new Place(1, Duration.ofSeconds(10), false));
    }

    @Test
    void estimatesTheEndOfAnAnswerFromTheEndOfItsLoad() {
        use(A, 10);
        queue.report(Set.of());
        Ticket cold = queue.enter(A, QWEN);
        cold.startLoad();
        pass(100);
        cold.onLoaded();
        pass(4);

        assertThat(enter(B).place()).isEqualTo(new Place(1, Duration.ofSeconds(6), false));
    }

    @Test
    void estimatesTheEndOfAnAnswerFromItsStart() {
        use(A, 10);
        pass(100);
        start(A);
        pass(4);

        assertThat(enter(B).place()).isEqualTo(new Place(1, Duration.ofSeconds(6), false));
    }

    @Test
    void countsTheEndOfALoadOnce() {
        queue = queue(2, Map.of());
        use(A, 10);
        queue.report(Set.of());
        Ticket first = queue.enter(A, QWEN);
        Ticket second = queue.enter(A, QWEN);
        first.startLoad();
        second.startLoad();
        first.onLoaded();
        pass(4);
        second.onLoaded();

        assertThat(enter(B).place()).isEqualTo(new Place(1, Duration.ofSeconds(6), false));
    }

    @Test
    void estimatesWithoutRequestsThatHaveOnlyLoaded() {
        Ticket failed = queue.enter(A, QWEN);
        failed.startLoad();
        pass(100);
        failed.release();
        start(A);

        assertThat(enter(B).place()).isEqualTo(new Place(1, null, false));
    }

    @Test
    void chargesALoadToTheClientThatCausesIt() {
        Ticket cold = queue.enter(A, QWEN);
        Ticket ofA = enter(A);
        Ticket ofB = enter(B);
        pass(30);
        cold.onLoaded();

        cold.leave();

        assertThat(cold.receipt()).isEqualTo(receipt(0, 30, 30, false));
        assertThat(ofB.isGranted()).isTrue();
        assertThat(ofA.isGranted()).isFalse();
    }

    @Test
    void tellsWhatARequestHasCost() {
        Ticket running = start(A);
        pass(1);
        queue.report(Set.of(QWEN));
        Ticket ticket = enter(B);
        pass(3);
        assertThat(ticket.receipt()).isEqualTo(receipt(3, 0, 0, false));
        running.release();
        pass(5);
        assertThat(ticket.receipt()).isEqualTo(receipt(3, 0, 5, false));
        ticket.leave();
        pass(7);
        assertThat(ticket.receipt()).isEqualTo(receipt(3, 0, 5, false));
    }

    @Test
    void tellsTheTimeOfALoadThatGoesOnOrHasEnded() {
        Ticket cold = queue.enter(A, QWEN);
        pass(2);
        assertThat(cold.receipt()).isEqualTo(receipt(0, 2, 2, false));
        Ticket leaves = queue.enter(B, QWEN);
        pass(3);
        leaves.leave();
        cold.leave();
        pass(4);

        assertThat(cold.receipt()).isEqualTo(receipt(0, 5, 5, false));
        assertThat(leaves.receipt()).isEqualTo(receipt(3, 0, 0, false));
    }

    @Test
    void knowsWhetherOthersWaitForTheModel() {
        queue = queue(2, Map.of(LLAMA, 1));
        start(A);
        assertThat(queue.isAwaited(QWEN)).isFalse();
        enter(B, LLAMA);
        assertThat(queue.isAwaited(QWEN)).isFalse();
        assertThat(queue.isAwaited(LLAMA)).isTrue();
        Ticket second = enter(A);
        assertThat(queue.isAwaited(QWEN)).isTrue(); // it may need the load, too
        second.start();
        assertThat(queue.isAwaited(QWEN)).isFalse();

        enter(A);

        assertThat(queue.isAwaited(QWEN)).isTrue();
    }

    @Test
    void knowsWhichModelsWork() {
        assertThat(queue.isWorking(QWEN)).isFalse();
        Ticket ticket = queue.enter(A, QWEN);
        assertThat(queue.isWorking(QWEN)).isFalse();

        ticket.onLoaded();

        assertThat(queue.isWorking(QWEN)).isTrue();
        assertThat(queue.isWorking(LLAMA)).isFalse();
    }

    @Test
    void ignoresAReportThatIsOlderThanTheLoad() {
        queue.enter(A, QWEN);

        assertThat(queue.report(Set.of(LLAMA))).isFalse();
        assertThat(queue.loaded()).containsExactly("qwen3:4b");
        assertThat(queue.report(Set.of(LLAMA, QWEN))).isTrue();
    }

    private static boolean needsLoad(Ticket ticket) {
        Place place = ticket.place();
        return place != null && place.position() == 0;
    }

    private static Receipt receipt(int queued, int loading, int charged, boolean started) {
        return new Receipt(
                Duration.ofSeconds(queued), Duration.ofSeconds(loading), Duration.ofSeconds(charged), started);
    }

    private Ticket enter(ClientId client) {
        return enter(client, QWEN);
    }

    private Ticket enter(ClientId client, ModelId model) {
        Ticket ticket = queue.enter(client, model);
        listen(ticket, client);
        return ticket;
    }

    private Ticket start(ClientId client) {
        return start(client, QWEN);
    }

    private Ticket start(ClientId client, ModelId model) {
        Ticket ticket = enter(client, model);
        assertThat(ticket.start()).isTrue();
        return ticket;
    }

    private void use(ClientId client, double seconds) {
        Ticket ticket = queue.enter(client, QWEN);
        ticket.onLoaded();
        ticket.start();
        pass(seconds);
        ticket.release();
    }

    /** Models load in no time. */
    private void listen(Ticket ticket, ClientId client) {
        ticket.listen(new Ticket.Listener() {
            @Override
            public void onGranted() {
                told.add(client.value() + " granted");
                ticket.onLoaded();
            }

            @Override
            public void onRefused(LlmFailure failure) {
                assertThat(failure).isEqualTo(new ShuttingDown());
                told.add(client.value() + " refused");
            }
        });
    }

    private Overloaded refusal(ClientId client) {
        try {
            queue.enter(client, QWEN);
        } catch (LlmException e) {
            return (Overloaded) e.failure();
        }
        throw new AssertionError("not refused");
    }

    private void pass(double seconds) {
        now += Math.round(seconds * 1e9);
    }
}
