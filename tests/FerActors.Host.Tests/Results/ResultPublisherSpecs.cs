using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Host.Broker;
using FerActors.Host.Results;
using FerActors.Inference.Pipeline;
using FerActors.Lab.Fuzzing;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Results;

/// <summary>A result counts as published once the broker has confirmed it and not before, whatever comes between.</summary>
public sealed class ResultPublisherSpecs(ITestOutputHelper output) : TestKit("akka.loglevel = INFO", output: output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData((int)FakeAnswer.Nack, 1)]
    [InlineData((int)FakeAnswer.Nothing, 2)]
    [InlineData((int)FakeAnswer.Drop, 2)]
    [InlineData((int)FakeAnswer.Forbid, 2)]
    public async Task A_result_is_reported_after_the_attempt_that_the_broker_confirmed(int failure, int connections)
    {
        var attempts = 0;
        await using var broker = new FakeBroker(_ => Interlocked.Increment(ref attempts) == 1 ? (FakeAnswer)failure : FakeAnswer.Ack);
        var publisher = Start(broker);

        publisher.Tell(Result(1));

        Assert.Equal(Key(1), (await ExpectMsgAsync<ResultPublished>(Patience)).Key);
        Assert.Equal(2, broker.Publications.Count);
        Assert.Equal(connections, broker.Connections);
    }

    [Fact]
    public async Task A_result_whose_session_ends_beside_another_is_reported_after_its_own_confirm()
    {
        await using var broker = new FakeBroker(publication => publication.Connection == 1 ? FakeAnswer.Nothing : FakeAnswer.Ack);
        var publisher = Start(broker);

        publisher.Tell(Result(1));
        await AwaitConditionAsync(() => Task.FromResult(!broker.Publications.IsEmpty), Patience);
        publisher.Tell(Result(2));

        var reports = new[] { await ExpectMsgAsync<ResultPublished>(Patience), await ExpectMsgAsync<ResultPublished>(Patience) };
        Assert.Equal([Key(1), Key(2)], reports.Select(report => report.Key).OrderBy(key => key.Tag));
        Assert.Equal(2, broker.Publications.Count(publication => publication.Connection == 2));
    }

    [Fact]
    public async Task A_broker_that_refuses_for_ever_on_one_channel_gets_the_result_on_a_fresh_one()
    {
        await using var broker = new FakeBroker(publication => publication.Connection == 1 ? FakeAnswer.Nack : FakeAnswer.Ack);
        var publisher = Start(broker);

        publisher.Tell(Result(1));

        await ExpectMsgAsync<ResultPublished>(Patience);
        Assert.Equal(2, broker.Connections);
    }

    [Fact]
    public async Task Without_the_right_to_write_the_waits_between_two_connections_grow()
    {
        await using var broker = new FakeBroker(_ => FakeAnswer.Forbid);
        var publisher = Start(broker, minBackoff: TimeSpan.FromMilliseconds(50));

        // The first waits are shorter than a second and said to be one.
        await EventFilter.Warning(pattern: new(@"ACCESS_REFUSED\. It tries again in ([2-9]|\d\d) s")).ExpectAsync(
            1,
            Patience,
            () =>
            {
                publisher.Tell(Result(1));
                return Task.CompletedTask;
            });
        await ExpectNoMsgAsync(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_direct_reply_is_not_asked_back()
    {
        await using var broker = new FakeBroker();
        var publisher = Start(broker);

        publisher.Tell(Result(1, "amq.rabbitmq.reply-to.secret"));
        await ExpectMsgAsync<ResultPublished>(Patience);
        publisher.Tell(Result(2, "fer.results"));
        await ExpectMsgAsync<ResultPublished>(Patience);

        Assert.Equal([false, true], broker.Publications.Select(publication => publication.Mandatory));
    }

    [Fact]
    public async Task The_time_without_a_confirm_is_told_while_results_wait_and_only_then()
    {
        var answer = FakeAnswer.Nack;
        await using var broker = new FakeBroker(_ => answer);
        var publisher = Start(broker);
        Assert.Null((await StatisticsAsync(publisher)).Standstill);

        publisher.Tell(Result(1));
        await AwaitConditionAsync(async () => await StatisticsAsync(publisher) is { Refused: true, Standstill: not null }, Patience);
        answer = FakeAnswer.Ack;
        await ExpectMsgAsync<ResultPublished>(Patience);

        Assert.Null((await StatisticsAsync(publisher)).Standstill);
    }

    private static DeliveryKey Key(ulong tag) => new(1, tag);

    private static PublishResult Result(ulong tag, string queue = "fer.results") =>
        new(Key(tag), new ClassificationResult { MessageId = $"m-{tag}", Node = "n" }, queue);

    private static Task<ResultPublisherActor.PublisherStatistics> StatisticsAsync(IActorRef publisher) =>
        publisher.Ask<ResultPublisherActor.PublisherStatistics>(ResultPublisherActor.GetStatistics.Instance, Patience);

    private IActorRef Start(FakeBroker broker, TimeSpan? minBackoff = null)
    {
        var options = new RabbitMqOptions
        {
            Uri = broker.Uri,
            PublishTimeout = TimeSpan.FromMilliseconds(500),
            ReconnectMinBackoff = minBackoff ?? TimeSpan.FromMilliseconds(10),
            ReconnectMaxBackoff = TimeSpan.FromSeconds(10),
        };
        return Sys.ActorOf(Props.Create(() => new ResultPublisherActor(options, new RabbitConnector(options), TimeProvider.System)));
    }
}
