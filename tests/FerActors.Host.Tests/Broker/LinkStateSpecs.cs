using FerActors.Host.Broker;
using FerActors.Shared.Messaging;

namespace FerActors.Host.Tests.Broker;

public sealed class LinkStateSpecs
{
    [Fact]
    public void Each_attempt_is_an_epoch_of_its_own()
    {
        var first = LinkState.Initial.Begin();
        var second = first.Failed().Begin();

        Assert.Equal(1, first.Epoch);
        Assert.Equal(2, second.Epoch);
        Assert.True(second.Concerns(2, LinkPhase.Connecting));
        Assert.False(second.Concerns(1, LinkPhase.Connecting));
        Assert.False(second.Concerns(2, LinkPhase.Up));
    }

    [Fact]
    public void Failures_add_up_until_the_owner_calls_the_connection_healthy()
    {
        var state = LinkState.Initial.Begin().Failed().Begin().Connected().Failed().Begin().Connected();
        Assert.Equal(2, state.Failures);

        Assert.Equal(2, state.Healthy(1).Failures);
        Assert.Equal(0, state.Healthy(3).Failures);
    }

    [Fact]
    public void A_stopped_link_concerns_nobody()
    {
        var state = LinkState.Initial.Begin().Connected().Stopped();

        Assert.False(state.Concerns(1, LinkPhase.Up));
        Assert.Equal(LinkPhase.Stopped, state.Phase);
    }

    [Fact]
    public void Failures_make_the_wait_longer_until_the_owner_has_done_work()
    {
        var backoff = new BackoffPolicy(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        var state = LinkState.Initial.Begin().Connected().Failed().Begin().Connected().Failed().Begin().Connected().Failed();

        Assert.Equal(TimeSpan.FromSeconds(2), state.Wait(backoff, 0));
        Assert.Equal(TimeSpan.FromSeconds(0.5), state.Begin().Connected().Healthy(4).Failed().Wait(backoff, 0));
    }

    [Fact]
    public void After_unreadable_input_the_next_connection_is_opened_at_once_for_longer_than_a_delivery_limit()
    {
        var backoff = new BackoffPolicy(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30));
        var state = LinkState.Initial;
        var waits = new List<TimeSpan>();
        for (var connection = 0; connection < 100; connection++)
        {
            state = state.Begin().Connected().Failed(unreadable: true);
            waits.Add(state.Wait(backoff, 0.99));
        }

        Assert.All(waits[..LinkState.AtOnce], wait => Assert.Equal(TimeSpan.Zero, wait));
        Assert.All(waits[LinkState.AtOnce..], wait => Assert.InRange(wait, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(1)));
        Assert.True(state.Begin().Failed().Wait(backoff, 0) > TimeSpan.FromSeconds(1), "A broker that cannot be reached is waited for as ever.");
    }
}
