using FerActors.Host.Intake;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Tests.Intake;

public sealed class IntakeStateSpecs
{
    private const int Prefetch = 8;

    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan OutcomeTimeout = TimeSpan.FromMinutes(5);

    private IntakeState _state = IntakeState.Create(Prefetch, OutcomeTimeout);
    private DateTimeOffset _now = Noon;

    [Fact]
    public void A_session_starts_with_one_delivery_at_a_time()
    {
        var effects = Do(_state.SessionUp(1));

        Assert.Equal([new IntakeEffect.Consume(1)], effects);
        Assert.Equal(IntakeMode.Careful, _state.Mode);
    }

    [Fact]
    public void The_first_fresh_delivery_opens_the_consumer_up()
    {
        Do(_state.SessionUp(1));

        var effects = Arrive(1, "a");

        Assert.Equal(new IntakeEffect.OpenUp(Prefetch), effects[0]);
        Assert.False(Assert.IsType<IntakeEffect.Classify>(effects[1]).Alone);
        Assert.Equal(IntakeMode.Full, _state.Mode);
        Assert.DoesNotContain(Arrive(2, "b"), effect => effect is IntakeEffect.OpenUp);
    }

    [Fact]
    public void After_a_delivery_that_cannot_be_read_fresh_deliveries_come_one_by_one_for_a_while()
    {
        Open();
        Do(_state.SessionDown(1, unreadable: true));
        Assert.Equal([new IntakeEffect.Consume(1)], Do(_state.SessionUp(2)));

        var opened = 0;
        for (ulong tag = 1; opened == 0; tag++)
        {
            Assert.True(tag <= 100, "It never opens up again.");
            Assert.Equal(IntakeMode.Careful, _state.Mode);
            opened = Arrive(tag, $"fresh-{tag}", session: 2).OfType<IntakeEffect.OpenUp>().Any() ? (int)tag : 0;
        }

        Assert.Equal(33, opened);
    }

    [Fact]
    public void With_a_prefetch_of_one_there_is_nothing_to_open()
    {
        _state = IntakeState.Create(1, OutcomeTimeout);
        Do(_state.SessionUp(1));

        Assert.IsType<IntakeEffect.Classify>(Assert.Single(Arrive(1, "a")));
        Assert.Equal(IntakeMode.Full, _state.Mode);
    }

    [Fact]
    public void A_redelivery_keeps_the_consumer_careful_and_runs_alone()
    {
        Do(_state.SessionUp(1));

        var effect = Assert.Single(Arrive(1, "a", redelivered: true));

        Assert.True(Assert.IsType<IntakeEffect.Classify>(effect).Alone);
        Assert.Equal(IntakeMode.Careful, _state.Mode);
    }

    [Fact]
    public void Only_the_confirm_of_the_result_settles_a_delivery()
    {
        Open();
        var before = _state.Counters.Acknowledged;
        Arrive(1, "a");

        var publish = Assert.IsType<IntakeEffect.Publish>(Assert.Single(Do(_state.Classified(Key(1), Result("a"), _now))));
        Assert.Equal("a", publish.Delivery.MessageId);
        Assert.Equal(before, _state.Counters.Acknowledged);
        Assert.Equal([new IntakeEffect.Settle(Key(1), 1, Settlement.Acknowledge)], Do(_state.Published(Key(1), _now)));
        Assert.Equal(1, _state.InFlight);
        Assert.Empty(Do(_state.Settled(Key(1), sent: true, _now)));
        Assert.Equal(0, _state.InFlight);
        Assert.Equal(before + 1, _state.Counters.Acknowledged);
    }

    [Fact]
    public void News_of_an_unknown_or_finished_delivery_changes_nothing()
    {
        Open();
        Arrive(1, "a");
        var before = _state;

        Assert.Empty(Do(_state.Classified(Key(9), Result("x"), _now)));
        Assert.Empty(Do(_state.Published(Key(1), _now)));
        Assert.Empty(Do(_state.NotPublishable(Key(1), "why", _now)));
        Assert.Empty(Do(_state.Settled(Key(1), sent: true, _now)));
        Assert.Empty(Do(_state.SessionDown(7)));
        Assert.Empty(Arrive(2, "b", session: 7));
        Assert.Same(before, _state);
    }

    [Fact]
    public void A_second_answer_to_one_delivery_is_dropped()
    {
        Open();
        Arrive(1, "a");
        Do(_state.Classified(Key(1), Result("a"), _now));

        Assert.Empty(Do(_state.Classified(Key(1), Result("a"), _now)));
    }

    [Fact]
    public void A_suspect_waits_for_all_others_and_others_wait_behind_it()
    {
        Open();
        Arrive(1, "a");
        Assert.Empty(Arrive(2, "suspect", redelivered: true));
        Assert.Empty(Arrive(3, "b"));
        Assert.Empty(Arrive(4, "suspect-2", redelivered: true));
        Assert.Equal(3, _state.Held);

        var suspect = Assert.IsType<IntakeEffect.Classify>(Assert.Single(Finish(1, "a")));
        Assert.Equal("suspect", suspect.Delivery.MessageId);
        Assert.True(suspect.Alone);

        var next = Assert.IsType<IntakeEffect.Classify>(Assert.Single(Finish(2, "suspect")));
        Assert.Equal("b", next.Delivery.MessageId);
        Assert.False(next.Alone);

        Assert.True(Assert.IsType<IntakeEffect.Classify>(Assert.Single(Finish(3, "b"))).Alone);
        Assert.Equal(0, _state.Held);
    }

    [Fact]
    public void A_suspect_is_alone_until_it_is_settled_and_not_only_answered()
    {
        Open();
        Arrive(1, "suspect", redelivered: true);
        Arrive(2, "a");

        Assert.IsType<IntakeEffect.Publish>(Assert.Single(Do(_state.Classified(Key(1), Result("suspect"), _now))));
        Assert.IsType<IntakeEffect.Settle>(Assert.Single(Do(_state.Published(Key(1), _now))));
        Assert.IsType<IntakeEffect.Classify>(Assert.Single(Do(_state.Settled(Key(1), sent: true, _now))));
    }

    [Fact]
    public void A_refused_delivery_gets_an_error_result_and_is_acknowledged_after_its_confirm()
    {
        Open();

        var effect = Assert.Single(Arrive(1, "a", verdict: new Verdict.Refuse(ErrorCodes.TooLarge, "Too large.")));

        Assert.Equal(ErrorCodes.TooLarge, Assert.IsType<IntakeEffect.PublishError>(effect).Code);
        Assert.Equal([new IntakeEffect.Settle(Key(1), 1, Settlement.Acknowledge)], Do(_state.Published(Key(1), _now)));
        Assert.Equal(1, _state.Counters.Refused);
    }

    [Fact]
    public void A_delivery_without_a_way_back_is_dead_lettered_with_a_reason()
    {
        Open();

        var effects = Arrive(1, "a", verdict: new Verdict.DeadLetter("bad reply-to"));

        Assert.Equal([new IntakeEffect.Warn("a", "bad reply-to"), new IntakeEffect.Settle(Key(1), 1, Settlement.DeadLetter)], effects);
        Do(_state.Settled(Key(1), sent: true, _now));
        Assert.Equal(1, _state.Counters.DeadLettered);
    }

    [Fact]
    public void A_result_that_cannot_be_delivered_dead_letters_its_image()
    {
        Open();
        Arrive(1, "a");
        Do(_state.Classified(Key(1), Result("a"), _now));

        var effects = Do(_state.NotPublishable(Key(1), "no queue", _now));

        Assert.Equal([new IntakeEffect.Warn("a", "no queue"), new IntakeEffect.Settle(Key(1), 1, Settlement.DeadLetter)], effects);
    }

    [Fact]
    public void A_lost_session_voids_its_tags()
    {
        Open();
        Arrive(1, "a");
        Arrive(2, "b", redelivered: true);

        Do(_state.SessionDown(1));

        Assert.Equal(IntakeMode.Down, _state.Mode);
        Assert.Equal(1, _state.InFlight);
        Assert.Equal(0, _state.Held);
        Do(_state.Classified(Key(1), Result("a"), _now));
        Assert.Empty(Do(_state.Published(Key(1), _now)));
        Assert.Equal(0, _state.InFlight);
        Assert.Equal(1, _state.Ledger.Count);
    }

    [Fact]
    public void A_redelivery_of_an_answered_image_is_acknowledged_and_not_classified_again()
    {
        LoseAnswered("a");

        var effects = Arrive(1, "a", redelivered: true, session: 2);

        Assert.Equal([new IntakeEffect.Settle(Key(1, 2), 1, Settlement.Acknowledge)], effects);
        Assert.Equal(1, _state.Counters.Deduplicated);
        Assert.Equal(0, _state.Ledger.Count);
        Do(_state.Settled(Key(1, 2), sent: false, _now));
        Assert.Equal(1, _state.Ledger.Count);
    }

    [Fact]
    public void One_answered_image_absorbs_one_redelivery_only()
    {
        LoseAnswered("a");
        Arrive(1, "a", redelivered: true, session: 2);
        Do(_state.Settled(Key(1, 2), sent: true, _now));

        Assert.IsType<IntakeEffect.Classify>(Assert.Single(Arrive(2, "a", redelivered: true, session: 2)));
    }

    [Fact]
    public void A_fresh_delivery_is_never_taken_for_an_answered_one()
    {
        LoseAnswered("a");

        Assert.Contains(Arrive(1, "a", session: 2), effect => effect is IntakeEffect.Classify);
    }

    [Fact]
    public void A_request_that_answers_elsewhere_is_never_taken_for_an_answered_one()
    {
        LoseAnswered("a");
        var other = Delivery(1, "a", redelivered: true, session: 2) with { ReplyTo = "fer.reply.x" };

        Assert.IsType<IntakeEffect.Classify>(Assert.Single(Do(_state.Delivered(other, Verdict.Accept.Instance, _now))));
    }

    [Fact]
    public void A_redelivery_adopts_the_work_that_is_still_under_way()
    {
        Open();
        Arrive(1, "a");
        Do(_state.SessionDown(1));
        Do(_state.SessionUp(2));

        Assert.Empty(Arrive(5, "a", redelivered: true, session: 2));
        Assert.Equal(1, _state.Counters.Deduplicated);
        Do(_state.Classified(Key(1), Result("a"), _now));

        Assert.Equal([new IntakeEffect.Settle(Key(1), 5, Settlement.Acknowledge)], Do(_state.Published(Key(1), _now)));
    }

    [Fact]
    public void Adopted_work_survives_the_next_lost_session_as_well()
    {
        Open();
        Arrive(1, "a");
        Do(_state.SessionDown(1));
        Do(_state.SessionUp(2));
        Arrive(5, "a", redelivered: true, session: 2);
        Do(_state.SessionDown(2));
        Do(_state.SessionUp(3));
        Do(_state.Classified(Key(1), Result("a"), _now));
        Arrive(6, "a", redelivered: true, session: 3);

        Assert.Equal([new IntakeEffect.Settle(Key(1), 6, Settlement.Acknowledge)], Do(_state.Published(Key(1), _now)));
    }

    [Fact]
    public void Without_an_id_the_picture_itself_tells_a_redelivery()
    {
        Open();
        var first = Delivery(1, "generated-1") with { MessageIdGenerated = true, Body = new byte[] { 1, 2 } };
        Do(_state.Delivered(first, Verdict.Accept.Instance, _now));
        Do(_state.SessionDown(1));
        Do(_state.SessionUp(2));

        var other = Delivery(1, "generated-2", redelivered: true, session: 2) with { MessageIdGenerated = true, Body = new byte[] { 9 } };
        var same = Delivery(2, "generated-3", redelivered: true, session: 2) with { MessageIdGenerated = true, Body = new byte[] { 1, 2 } };
        Assert.Empty(Do(_state.Delivered(other, Verdict.Accept.Instance, _now)));
        Assert.Equal(0, _state.Counters.Deduplicated);
        Do(_state.Delivered(same, Verdict.Accept.Instance, _now));
        Assert.Equal(1, _state.Counters.Deduplicated);
    }

    [Fact]
    public void An_acknowledgement_that_could_not_be_sent_is_remembered()
    {
        Open();
        var before = _state.Counters.Acknowledged;
        Arrive(1, "a");
        Do(_state.Classified(Key(1), Result("a"), _now));
        Do(_state.Published(Key(1), _now));

        Do(_state.SessionDown(1));
        Do(_state.Settled(Key(1), sent: false, _now));

        Assert.Equal(1, _state.Ledger.Count);
        Assert.Equal(before, _state.Counters.Acknowledged);
    }

    [Fact]
    public void A_dead_lettering_that_could_not_be_sent_is_decided_again()
    {
        Open();
        Arrive(1, "a", verdict: new Verdict.DeadLetter("bad reply-to"));
        Do(_state.SessionDown(1));
        Do(_state.Settled(Key(1), sent: false, _now));

        Assert.Equal(0, _state.Ledger.Count);
        Assert.Equal(0, _state.InFlight);
    }

    [Fact]
    public void An_orphan_whose_result_cannot_be_delivered_is_left_to_its_redelivery()
    {
        Open();
        Arrive(1, "a");
        Do(_state.SessionDown(1));
        Do(_state.Classified(Key(1), Result("a"), _now));

        Assert.IsType<IntakeEffect.Warn>(Assert.Single(Do(_state.NotPublishable(Key(1), "no queue", _now))));
        Assert.Equal(0, _state.InFlight);
        Assert.Equal(0, _state.Ledger.Count);
    }

    [Fact]
    public void What_the_pipeline_keeps_too_long_is_returned_and_its_late_answer_dropped()
    {
        Open();
        Arrive(1, "a");
        _now += OutcomeTimeout - TimeSpan.FromTicks(1);
        Assert.Empty(Do(_state.Tick(_now)));
        _now += TimeSpan.FromTicks(1);

        var effects = Do(_state.Tick(_now));

        Assert.IsType<IntakeEffect.Warn>(effects[0]);
        Assert.Equal(new IntakeEffect.Settle(Key(1), 1, Settlement.Return), effects[1]);
        Assert.Empty(Do(_state.Classified(Key(1), Result("a"), _now)));
        Do(_state.Settled(Key(1), sent: true, _now));
        Assert.Equal(1, _state.Counters.Returned);
    }

    [Fact]
    public void The_time_of_a_held_delivery_starts_with_its_classification()
    {
        Open();
        Arrive(1, "suspect", redelivered: true);
        Arrive(2, "a");
        _now += OutcomeTimeout - TimeSpan.FromSeconds(1);
        Finish(1, "suspect");
        _now += TimeSpan.FromSeconds(2);

        Assert.Empty(Do(_state.Tick(_now)));
    }

    [Fact]
    public void An_orphan_that_the_pipeline_forgot_is_given_up()
    {
        Open();
        Arrive(1, "a");
        Do(_state.SessionDown(1));
        _now += OutcomeTimeout;

        Assert.IsType<IntakeEffect.Warn>(Assert.Single(Do(_state.Tick(_now))));
        Assert.Equal(0, _state.InFlight);
    }

    [Fact]
    public void Draining_cancels_the_consumer_and_finishes_the_rest()
    {
        Open();
        Arrive(1, "a");

        Assert.Equal([new IntakeEffect.StopConsuming()], Do(_state.Drain()));
        Assert.Empty(Do(_state.Drain()));
        Assert.IsType<IntakeEffect.Classify>(Assert.Single(Arrive(2, "was on its way")));
        Finish(1, "a");
        Finish(2, "was on its way");
        Assert.Equal(0, _state.InFlight);
    }

    [Fact]
    public void A_draining_node_consumes_on_no_later_session()
    {
        Open();
        Do(_state.Drain());
        Do(_state.SessionDown(1));

        Assert.Equal(IntakeMode.Draining, _state.Mode);
        Assert.Empty(Do(_state.SessionUp(2)));
        Assert.Equal(IntakeMode.Draining, _state.Mode);
    }

    [Fact]
    public void Draining_without_a_session_has_nothing_to_cancel()
    {
        Assert.Empty(Do(_state.Drain()));
    }

    [Fact]
    public void In_any_order_of_events_no_delivery_is_settled_before_its_result_is_confirmed()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            RunRandomly(new Random(seed));
        }
    }

    // A broker of one queue beside the state: each message is either in the queue, delivered, or settled, and every settled one has
    // a confirmed result.
    private static void RunRandomly(Random random)
    {
        var state = IntakeState.Create(4, OutcomeTimeout);
        var queue = new Queue<(string Id, bool Redelivered)>(Enumerable.Range(0, 12).Select(i => (i.ToString(), false)));
        var unsettled = new Dictionary<ulong, string>();
        var pipeline = new List<(DeliveryKey Key, string Id)>();
        var publisher = new List<(DeliveryKey Key, string Id)>();
        var settling = new List<IntakeEffect.Settle>();
        var confirmed = new HashSet<string>();
        long session = 0;
        ulong tag = 0;

        for (var step = 0; step < 2000 && (queue.Count > 0 || unsettled.Count > 0); step++)
        {
            switch (random.Next(8))
            {
                case 0 when session == 0:
                    session = step + 1;
                    Run(state.SessionUp(session));
                    break;
                case 1 when session != 0 && random.Next(6) == 0:
                    foreach (var id in unsettled.Values)
                    {
                        queue.Enqueue((id, true));
                    }

                    unsettled.Clear();
                    Run(state.SessionDown(session));
                    session = 0;
                    break;
                case 2 or 3 when session != 0 && unsettled.Count < 4 && queue.TryDequeue(out var message):
                    unsettled.Add(++tag, message.Id);
                    Run(state.Delivered(
                        Delivery(tag, message.Id, message.Redelivered, session), Verdict.Accept.Instance, Noon));
                    break;
                case 4 or 5 when pipeline.Count > 0:
                    var work = Take(pipeline);
                    Run(state.Classified(work.Key, Result(work.Id), Noon));
                    break;
                case 6 when publisher.Count > 0:
                    var result = Take(publisher);
                    confirmed.Add(result.Id);
                    Run(state.Published(result.Key, Noon));
                    break;
                case 7 when settling.Count > 0:
                    var settle = Take(settling);
                    var sent = unsettled.Remove(settle.Tag, out var settled) && session != 0;
                    Assert.True(!sent || confirmed.Contains(settled!));
                    Run(state.Settled(settle.Work, sent, Noon));
                    break;
            }
        }

        Assert.Empty(queue);
        Assert.Equal(12, confirmed.Count);

        T Take<T>(List<T> list)
        {
            var index = random.Next(list.Count);
            var item = list[index];
            list.RemoveAt(index);
            return item;
        }

        void Run(IntakeStep step)
        {
            state = step.State;
            foreach (var effect in step.Effects)
            {
                switch (effect)
                {
                    case IntakeEffect.Classify classify:
                        Assert.True(!classify.Alone || pipeline.Count == 0);
                        pipeline.Add((classify.Delivery.Key, classify.Delivery.MessageId));
                        break;
                    case IntakeEffect.Publish publish:
                        publisher.Add((publish.Delivery.Key, publish.Delivery.MessageId));
                        break;
                    case IntakeEffect.Settle settle:
                        settling.Add(settle);
                        break;
                }
            }
        }
    }

    [Theory]
    [InlineData(ErrorCodes.Expired)]
    [InlineData(ErrorCodes.Overloaded)]
    public void Without_a_deadline_an_image_that_a_busy_node_did_not_take_goes_back_to_the_queue(string code)
    {
        Open();
        Arrive(1, "a");
        var busy = ClassificationResult.Failed("a", null, "n", code, "The node is busy.");

        var effects = Do(_state.Classified(Key(1), busy, _now));

        Assert.IsType<IntakeEffect.Warn>(effects[0]);
        Assert.Equal(new IntakeEffect.Settle(Key(1), 1, Settlement.Return), effects[1]);
    }

    [Fact]
    public void With_a_deadline_an_image_that_a_busy_node_did_not_take_is_answered()
    {
        Open();
        Do(_state.Delivered(Delivery(1, "a") with { ExpiresAt = Noon.AddSeconds(1) }, Verdict.Accept.Instance, _now));
        var busy = ClassificationResult.Failed("a", null, "n", ErrorCodes.Expired, "The node is busy.");

        Assert.IsType<IntakeEffect.Publish>(Assert.Single(Do(_state.Classified(Key(1), busy, _now))));
    }

    [Fact]
    public void A_message_that_can_be_copied_is_buried_with_its_reason_and_then_acknowledged()
    {
        Open();
        var delivery = Delivery(1, "a") with { Envelope = new RabbitMQ.Client.BasicProperties() };

        var effects = Do(_state.Delivered(delivery, new Verdict.DeadLetter("bad reply-to"), _now));

        Assert.Equal([new IntakeEffect.Warn("a", "bad reply-to"), new IntakeEffect.Bury(delivery, "bad reply-to")], effects);
        Assert.Equal([new IntakeEffect.Settle(Key(1), 1, Settlement.Bury)], Do(_state.Published(Key(1), _now)));
        Do(_state.Settled(Key(1), sent: true, _now));
        Assert.Equal(1, _state.Counters.DeadLettered);
        Assert.Equal(0, _state.InFlight);
    }

    [Fact]
    public void A_message_whose_copy_the_broker_does_not_take_is_left_to_the_broker()
    {
        Open();
        Do(_state.Delivered(Delivery(1, "a") with { Envelope = new RabbitMQ.Client.BasicProperties() }, new Verdict.DeadLetter("bad reply-to"), _now));

        Assert.Equal(new IntakeEffect.Settle(Key(1), 1, Settlement.DeadLetter), Do(_state.NotPublishable(Key(1), "no queue", _now))[1]);
    }

    [Fact]
    public void A_result_that_was_lost_between_the_acknowledgement_and_the_confirm_cannot_come_about()
    {
        Open();
        Arrive(1, "a");
        Assert.DoesNotContain(Do(_state.Classified(Key(1), Result("a"), _now)), effect => effect is IntakeEffect.Settle);
        Do(_state.SessionDown(1));
        Do(_state.SessionUp(2));

        // No confirm came: the redelivery takes the place of the first and is settled by the confirm, not by its own arrival.
        Assert.Empty(Arrive(7, "a", redelivered: true, session: 2));
        Assert.Equal([new IntakeEffect.Settle(Key(1), 7, Settlement.Acknowledge)], Do(_state.Published(Key(1), _now)));
    }

    private static DeliveryKey Key(ulong tag, long session = 1) => new(session, tag);

    private static ImageDelivery Delivery(ulong tag, string id, bool redelivered = false, long session = 1) => new(
        Key(tag, session), redelivered, id, MessageIdGenerated: false, null, null, "fer.results", RequestOptions.Default, new byte[] { 1 }, null, Noon, null);

    private static ClassificationResult Result(string id) => new() { MessageId = id, Node = "n" };

    private IReadOnlyList<IntakeEffect> Do(IntakeStep step)
    {
        _state = step.State;
        return step.Effects;
    }

    // A session in full mode with nothing in flight.
    private void Open()
    {
        Do(_state.SessionUp(1));
        Arrive(100, "opener");
        Finish(100, "opener");
    }

    private IReadOnlyList<IntakeEffect> Arrive(ulong tag, string id, bool redelivered = false, long session = 1, Verdict? verdict = null) =>
        Do(_state.Delivered(Delivery(tag, id, redelivered, session), verdict ?? Verdict.Accept.Instance, _now));

    private IReadOnlyList<IntakeEffect> Finish(ulong tag, string id)
    {
        Do(_state.Classified(Key(tag), Result(id), _now));
        Do(_state.Published(Key(tag), _now));
        return Do(_state.Settled(Key(tag), sent: true, _now));
    }

    private void LoseAnswered(string id)
    {
        Open();
        Arrive(1, id);
        Do(_state.SessionDown(1));
        Do(_state.Classified(Key(1), Result(id), _now));
        Do(_state.Published(Key(1), _now));
        Do(_state.SessionUp(2));
    }
}
