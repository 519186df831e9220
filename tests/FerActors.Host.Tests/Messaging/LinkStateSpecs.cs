using FerActors.Host.Messaging;

namespace FerActors.Host.Tests.Messaging;

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
}
