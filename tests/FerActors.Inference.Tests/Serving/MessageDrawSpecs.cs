using FerActors.Inference.Serving;

namespace FerActors.Inference.Tests.Serving;

public sealed class MessageDrawSpecs
{
    [Fact]
    public void A_message_always_draws_the_same_lot() =>
        Assert.Equal(MessageDraw.Of("message-1"), MessageDraw.Of(new string("message-1".ToCharArray())));

    // The known digest of the empty text begins with e3b0c44298fc1c14: nodes of other builds must draw the same.
    [Fact]
    public void The_lot_is_the_beginning_of_the_digest() => Assert.Equal(0xe3b0c44298fc1c14UL / Math.Pow(2, 64), MessageDraw.Of(""), 15);

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.25)]
    [InlineData(0.9)]
    public void A_share_of_the_lots_is_that_share_of_the_messages(double share)
    {
        const int messages = 20_000;

        var below = Enumerable.Range(0, messages).Count(i => MessageDraw.Of($"message-{i}") < share);

        // Five standard deviations; the lots are fixed, so this does not vary.
        Assert.Equal(share, below / (double)messages, 5 * Math.Sqrt(share * (1 - share) / messages));
    }
}
