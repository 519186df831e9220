using System.Text;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Host.Broker;
using FerActors.Host.Intake;
using FerActors.Host.Tests.Brokers;
using FerActors.Lab.Fuzzing;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Intake;

/// <summary>What goes over the wire between an image and its acknowledgement: never the one before the confirm of its result.</summary>
public sealed class AcknowledgementSpecs(ITestOutputHelper output) : TestKit("akka.loglevel = INFO", output: output)
{
    private const int Images = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Each_image_is_acknowledged_after_the_confirm_of_its_own_result()
    {
        await using var broker = new FakeBroker(consume: DeliverAsync);
        StartTransport(broker);

        AssertOrder(await AcknowledgedAsync(broker));
    }

    [Fact]
    public async Task While_the_broker_does_not_confirm_no_image_is_acknowledged()
    {
        var open = false;
        await using var broker = new FakeBroker(_ => Volatile.Read(ref open) ? FakeAnswer.Ack : FakeAnswer.Nack, DeliverAsync);
        StartTransport(broker);

        await AwaitConditionAsync(() => Task.FromResult(broker.Publications.Count >= 2 * Images), Patience);
        Assert.Empty(broker.Events);
        Volatile.Write(ref open, true);

        AssertOrder(await AcknowledgedAsync(broker));
    }

    [Theory]
    [InlineData((int)FakeAnswer.Drop)]
    [InlineData((int)FakeAnswer.Nothing)]
    [InlineData((int)FakeAnswer.Forbid)]
    public async Task A_result_that_is_lost_before_its_confirm_comes_again_and_its_image_is_acknowledged_only_then(int loss)
    {
        var attempts = 0;
        await using var broker = new FakeBroker(
            _ => Interlocked.Increment(ref attempts) <= Images ? (FakeAnswer)loss : FakeAnswer.Ack, DeliverAsync);
        StartTransport(broker);

        var events = await AcknowledgedAsync(broker);

        AssertOrder(events);
        Assert.True(broker.Publications.Count > Images, "A result was sent once and counted as arrived.");
    }

    private static async Task DeliverAsync(FakeConsumer consumer)
    {
        // The consumer opens up with the first fresh delivery, and consumes anew on the same channel.
        if (consumer.Tag.EndsWith("-1", StringComparison.Ordinal))
        {
            for (ulong tag = 1; tag <= Images; tag++)
            {
                await consumer.DeliverAsync(tag, AmqpFrame.ContentHeader(1, messageId: Encoding.UTF8.GetBytes($"m-{tag}")), [1]);
            }
        }
    }

    private static void AssertOrder(IReadOnlyList<FakeEvent> events)
    {
        var confirmed = new HashSet<string>();
        foreach (var happened in events)
        {
            if (happened.IsConfirm)
            {
                confirmed.Add(ResultJson.Deserialize(happened.Publication!.Body).MessageId);
            }
            else
            {
                Assert.Contains($"m-{happened.Tag}", confirmed);
            }
        }

        Assert.Equal(["m-1", "m-2", "m-3"], confirmed.Order());
    }

    private async Task<IReadOnlyList<FakeEvent>> AcknowledgedAsync(FakeBroker broker)
    {
        await AwaitConditionAsync(() => Task.FromResult(broker.Events.Count(happened => !happened.IsConfirm) == Images), Patience);
        return [.. broker.Events];
    }

    private void StartTransport(FakeBroker broker)
    {
        var options = new RabbitMqOptions
        {
            Uri = broker.Uri,
            PublishTimeout = TimeSpan.FromMilliseconds(500),
            ReconnectMinBackoff = TimeSpan.FromMilliseconds(10),
            ReconnectMaxBackoff = TimeSpan.FromMilliseconds(100),
        };
        var probe = CreateTestProbe().Ref;
        var pipeline = Sys.ActorOf(Props.Create(() => new FakePipeline(probe, true)));
        Func<Task<IActorRef>> find = () => Task.FromResult(pipeline);
        Sys.ActorOf(Props.Create(() => new RabbitTransportActor(options, new RabbitConnector(options), find, "node-1", TimeProvider.System)));
    }
}
