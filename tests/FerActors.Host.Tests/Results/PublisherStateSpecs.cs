using FerActors.Host.Results;
using FerActors.Inference.Pipeline;

namespace FerActors.Host.Tests.Results;

public sealed class PublisherStateSpecs
{
    private const string ResultsQueue = "fer.results";

    private PublisherState _state = PublisherState.Create(maxOutstanding: 2, ResultsQueue);

    [Fact]
    public void Results_wait_for_a_session_and_then_go_in_their_order()
    {
        Assert.Empty(Submit(1));
        Assert.Empty(Submit(2));

        Assert.Equal([1ul, 2ul], Sent(Do(_state.SessionUp(1))));
        Assert.True(_state.IsUp);
        Assert.Equal(2, _state.InAir);
    }

    [Fact]
    public void No_more_than_the_cap_are_outstanding()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Submit(2);
        Assert.Empty(Submit(3));

        var effects = Do(_state.Confirmed(1));

        Assert.Equal(new PublisherEffect.ReportPublished(Key(1)), effects[0]);
        Assert.Equal([3ul], Sent(effects));
        Assert.Equal(1, _state.Published);
    }

    [Fact]
    public void The_same_delivery_is_not_published_twice_at_once()
    {
        Submit(1);
        Assert.Empty(Submit(1));
        Do(_state.SessionUp(1));

        Assert.Empty(Submit(1));
        Assert.Equal(1, _state.Pending);
    }

    [Fact]
    public void A_lost_session_sends_its_results_again_on_the_next()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Submit(2);
        Submit(3);

        Assert.Empty(Do(_state.SessionDown(1)));
        Assert.False(_state.IsUp);
        Assert.Equal(3, _state.Pending);

        Assert.Equal([1ul, 2ul], Sent(Do(_state.SessionUp(2))));
        Assert.Equal(2, _state.Republished);
    }

    [Fact]
    public void News_of_another_session_or_attempt_changes_nothing()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        var before = _state;

        Assert.Empty(Do(_state.SessionDown(7)));
        Assert.Empty(Do(_state.Blocked(7, true)));
        Assert.Empty(Do(_state.Confirmed(99)));
        Assert.Empty(Do(_state.Unroutable(99)));
        Assert.Empty(Do(_state.Refused(99)));
        Assert.Empty(Do(_state.TimedOut(99)));
        Assert.Empty(Do(_state.Broken(99, "")));
        Assert.Empty(Do(_state.ContentRefused(99, "")));
        Assert.Empty(Do(_state.Impossible(99, "")));
        Assert.Same(before, _state);
    }

    [Fact]
    public void A_confirm_that_comes_after_the_attempt_was_given_up_saves_the_duplicate()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Do(_state.SessionDown(1));

        Assert.Equal([new PublisherEffect.ReportPublished(Key(1))], Do(_state.Confirmed(1)));
        Assert.Empty(Do(_state.SessionUp(2)));
    }

    [Fact]
    public void A_confirm_that_does_not_come_in_time_costs_the_session_and_nothing_else()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Submit(2);

        Assert.IsType<PublisherEffect.ResetSession>(Assert.Single(Do(_state.TimedOut(2))));
        Assert.False(_state.IsUp);
        Assert.Empty(Do(_state.TimedOut(1)));
        Assert.Equal([1ul, 2ul], Sent(Do(_state.SessionUp(2))));
    }

    [Fact]
    public void A_broken_session_is_reset_once()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Submit(2);

        Assert.IsType<PublisherEffect.ResetSession>(Assert.Single(Do(_state.Broken(1, "gone"))));
        Assert.Empty(Do(_state.Broken(2, "gone")));
    }

    [Fact]
    public void Under_an_alarm_nothing_is_sent_and_time_outs_cost_nothing()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Do(_state.Blocked(1, true));

        Assert.Empty(Submit(2));
        Assert.Empty(Do(_state.TimedOut(1)));
        Assert.True(_state.IsBlocked);
        Assert.Equal([1ul, 2ul], Sent(Do(_state.Blocked(1, false))));
    }

    [Fact]
    public void A_refused_result_is_tried_again_after_a_pause_and_holds_no_other_up()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Submit(2);

        Assert.Equal([new PublisherEffect.RetryLater()], Do(_state.Refused(1)));
        Assert.Empty(Do(_state.Refused(2)));
        Assert.Equal([3ul], Sent(Submit(3)));
        Assert.Equal(3, _state.Pending);
        Assert.Equal([1ul], Sent(Do(_state.RetryDue())));
        Assert.Equal([2ul], Sent(Do(_state.Confirmed(3))));
    }

    [Fact]
    public void A_results_queue_that_refuses_is_waited_for_without_an_end_and_the_session_reopened_ever_more_rarely()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        var reopened = new List<int>();
        for (var round = 1; round <= 40; round++)
        {
            Assert.Equal([new PublisherEffect.RetryLater()], Do(_state.Refused(round)));
            if (Do(_state.RetryDue()).OfType<PublisherEffect.ResetSession>().Any())
            {
                reopened.Add(round);
                Do(_state.SessionUp(round + 1));
            }
        }

        Assert.Equal([4, 8, 16, 32], reopened);
        Assert.Equal(1, _state.Pending);
    }

    [Fact]
    public void A_confirm_of_the_queue_forgets_its_refusals()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        for (var round = 1; round <= 3; round++)
        {
            Do(_state.Refused(round));
            Do(_state.RetryDue());
        }

        Do(_state.Confirmed(4));
        Submit(2);
        Do(_state.Refused(5));

        Assert.Equal([2ul], Sent(Do(_state.RetryDue())));
    }

    [Fact]
    public void A_strangers_queue_that_stays_full_gives_its_results_up_and_then_each_at_its_first_refusal()
    {
        Do(_state.SessionUp(1));
        Submit(1, "fer.reply.full");
        for (var round = 1; round <= 5; round++)
        {
            Do(_state.Refused(round));
            if (Do(_state.RetryDue()).OfType<PublisherEffect.ResetSession>().Any())
            {
                Do(_state.SessionUp(2));
            }
        }

        Assert.Equal(Key(1), Assert.IsType<PublisherEffect.ReportFailed>(Assert.Single(Do(_state.Refused(6)))).Key);

        Submit(2, "fer.reply.full");
        Assert.IsType<PublisherEffect.ReportFailed>(Do(_state.Refused(7))[0]);
        Assert.Equal(0, _state.Pending);
    }

    [Fact]
    public void A_fresh_session_takes_refused_results_at_once()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Do(_state.Refused(1));
        Do(_state.SessionDown(1));

        Assert.Equal([1ul], Sent(Do(_state.SessionUp(2))));
    }

    [Fact]
    public void A_reply_queue_that_is_not_there_is_reported()
    {
        Do(_state.SessionUp(1));
        Submit(1, "fer.reply.x");

        Assert.Equal([new PublisherEffect.ReportUnroutable(Key(1), "fer.reply.x")], Do(_state.Unroutable(1)));
        Assert.Equal(0, _state.Pending);
    }

    [Fact]
    public void A_missing_results_queue_is_declared_by_new_sessions_before_it_is_reported()
    {
        Submit(1);
        for (var session = 1; session <= 2; session++)
        {
            Do(_state.SessionUp(session));
            Assert.IsType<PublisherEffect.ResetSession>(Assert.Single(Do(_state.Unroutable(session))));
        }

        Do(_state.SessionUp(3));

        Assert.Equal([new PublisherEffect.ReportUnroutable(Key(1), ResultsQueue)], Do(_state.Unroutable(3)));
    }

    [Fact]
    public void A_missing_results_queue_that_nobody_declares_is_reported_at_once()
    {
        _state = PublisherState.Create(2, declaredQueue: null);
        Do(_state.SessionUp(1));
        Submit(1);

        Assert.IsType<PublisherEffect.ReportUnroutable>(Assert.Single(Do(_state.Unroutable(1))));
    }

    [Fact]
    public void The_one_result_that_the_broker_cannot_take_is_found_among_its_neighbours()
    {
        Do(_state.SessionUp(1));
        Submit(1);
        Submit(2);

        Assert.IsType<PublisherEffect.ResetSession>(Assert.Single(Do(_state.ContentRefused(2, "too large"))));
        Assert.Empty(Do(_state.ContentRefused(1, "too large")));
        Assert.Equal([1ul], Sent(Do(_state.SessionUp(2))));
        Assert.Equal([2ul], Sent(Do(_state.Confirmed(3))));

        var effects = Do(_state.ContentRefused(4, "too large"));
        Assert.Equal(new PublisherEffect.ReportFailed(Key(2), "too large"), effects[0]);
        Assert.IsType<PublisherEffect.ResetSession>(effects[1]);
        Assert.Equal(0, _state.Pending);

        Do(_state.SessionUp(3));
        Submit(3);
        Assert.Equal([4ul], Sent(Submit(4)));
    }

    [Fact]
    public void A_result_that_the_client_cannot_send_is_reported()
    {
        Do(_state.SessionUp(1));
        Submit(1);

        Assert.Equal([new PublisherEffect.ReportFailed(Key(1), "bad")], Do(_state.Impossible(1, "bad")));
    }

    private static DeliveryKey Key(ulong tag) => new(1, tag);

    private static List<ulong> Sent(IReadOnlyList<PublisherEffect> effects) =>
        [.. effects.OfType<PublisherEffect.Send>().Select(send => send.Result.Key.Tag)];

    private IReadOnlyList<PublisherEffect> Do(PublisherStep step)
    {
        _state = step.State;
        return step.Effects;
    }

    private IReadOnlyList<PublisherEffect> Submit(ulong tag, string queue = ResultsQueue) =>
        Do(_state.Submit(new PendingResult(Key(tag), queue, $"m-{tag}", null, null, new byte[] { 1 })));
}
