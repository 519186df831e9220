using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Intake;
using FerActors.Inference.Pipeline;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Brokers;

/// <summary>What the contract promises when the broker, the connection or the configuration fails.</summary>
public sealed class FailureSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    [SkippableFact]
    public async Task Images_in_flight_when_the_connections_are_cut_are_answered_once()
    {
        RequireBroker(isPrivate: true);
        await StartAsync(answers: false);
        var images = await TakeInFlightAsync(8);

        await Broker.ControlAsync("close_all_connections", "a test");
        await UntilAsync(async () => await StatisticsAsync() is { ConsumerConnected: true, PublisherConnected: true } seen && seen.Intake.SessionsLost == 1);
        images.ForEach(Answer);

        // Every redelivery finds its image still in work or already answered, so none is classified a second time.
        await UntilAsync(async () => await StatisticsAsync() is { InFlight: 0 } seen && seen.Intake.Acknowledged == 8);
        await ReconnectClientAsync();
        var results = await Client.TakeAsync(Options.ResultsQueue, 8);
        Assert.Equal(images.Select(image => image.MessageId).Order(), results.Select(result => Read(result).MessageId).Order());
        var statistics = await StatisticsAsync();
        Assert.Equal(8, statistics.Intake.Deduplicated);
        Assert.Equal(8, statistics.Published);
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.ImagesQueue));
    }

    [SkippableFact]
    public async Task Results_made_while_the_broker_is_down_are_published_when_it_is_back()
    {
        RequireBroker(isPrivate: true);
        await StartAsync(answers: false);
        var images = await TakeInFlightAsync(4);

        await Broker.StopAsync();
        images.ForEach(Answer);
        await UntilAsync(
            async () => await StatisticsAsync() is { ConsumerConnected: false, PublisherConnected: false, PendingResults: 4 });
        await Broker.StartAsync();

        await ConsumingAsync();
        await SettledAsync(4);
        await ReconnectClientAsync();
        var results = await Client.TakeAsync(Options.ResultsQueue, 4);
        Assert.Equal(images.Select(image => image.MessageId).Order(), results.Select(result => Read(result).MessageId).Order());
        Assert.Equal(4, (await StatisticsAsync()).Intake.Deduplicated);
    }

    [SkippableFact]
    public async Task Images_and_results_that_were_confirmed_survive_a_broker_that_is_killed()
    {
        const int images = 12;
        RequireBroker(isPrivate: true);
        Options.Prefetch = 4;
        await StartAsync(answers: false);
        var taken = await TakeInFlightAsync(4);
        for (var i = taken.Count; i < images; i++)
        {
            await SendAsync($"m-{i}");
        }

        Answer(taken[0]);
        await UntilAsync(async () => (await StatisticsAsync()).Intake.Acknowledged == 1);
        await Broker.SyncQueueNamesAsync();

        await Broker.KillAsync();
        await UntilAsync(async () => await StatisticsAsync() is { ConsumerConnected: false, PublisherConnected: false });
        taken[1..].ForEach(Answer);
        await Broker.StartAsync();
        await ConsumingAsync();
        await UntilAsync(async () =>
        {
            while (Pipeline.HasMessages)
            {
                Answer(await NextImageAsync());
            }

            return await StatisticsAsync() is { InFlight: 0, PendingResults: 0 } seen && seen.Intake.Acknowledged >= images;
        });

        await ReconnectClientAsync();
        var results = new List<string>();
        while (results.Distinct().Count() < images)
        {
            results.Add((await NextResultAsync()).MessageId);
        }

        // The acknowledgement of the first may have died with the broker; then its image came again.
        Assert.InRange(results.Count, images, images + 1);
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.ImagesQueue));
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.DeadLetterQueue));
    }

    [SkippableFact]
    public async Task What_a_dead_node_left_behind_comes_back_one_by_one_and_alone()
    {
        await StartAsync(answers: false);
        await TakeInFlightAsync(5);
        // The process dies: the actors end without any settlement.
        await Transport.GracefulStop(Patience);
        await UntilAsync(async () => await Client.Channel.ConsumerCountAsync(Options.ImagesQueue) == 0);
        await SendAsync("fresh");

        await StartAsync(answers: false);
        for (var i = 0; i < 5; i++)
        {
            var image = await NextImageAsync();
            Assert.True(image.Alone);
            var statistics = await StatisticsAsync();
            Assert.Equal(IntakeMode.Careful, statistics.Mode);
            Assert.Equal(1, statistics.InFlight);
            Answer(image);
        }

        var last = await NextImageAsync();
        Assert.Equal("fresh", last.MessageId);
        Assert.False(last.Alone);
        Assert.Equal(IntakeMode.Full, (await StatisticsAsync()).Mode);
        Answer(last);
        await SettledAsync(6);
    }

    [SkippableFact]
    public async Task An_image_that_ends_every_process_is_dead_lettered_and_its_neighbours_are_answered()
    {
        Options.DeliveryLimit = 4;
        await StartAsync(answers: false);
        await SendAsync("poison");
        for (var i = 0; i < 3; i++)
        {
            await SendAsync($"good-{i}");
        }

        for (var i = 0; i < 4; i++)
        {
            await NextImageAsync();
        }

        await Transport.GracefulStop(Patience);
        var crashes = 1;
        var answered = 0;
        await StartAsync(answers: false);
        while (true)
        {
            await UntilAsync(
                async () => Pipeline.HasMessages || (answered == 3 && await Client.Channel.MessageCountAsync(Options.DeadLetterQueue) == 1));
            if (!Pipeline.HasMessages)
            {
                break;
            }

            var image = await NextImageAsync();
            Assert.True(image.Alone);
            if (image.MessageId == "poison")
            {
                crashes++;
                await Transport.GracefulStop(Patience);
                await StartAsync(answers: false);
            }
            else
            {
                answered++;
                Answer(image);
            }
        }

        Assert.Equal(Options.DeliveryLimit + 1, crashes);
        Assert.Equal("poison", (await Client.NextAsync(Options.DeadLetterQueue)).Properties.MessageId);
        Assert.Equal(
            ["good-0", "good-1", "good-2"],
            (await Client.TakeAsync(Options.ResultsQueue, 3)).Select(result => Read(result).MessageId).Order());
    }

    [SkippableFact]
    public async Task A_suspect_image_waits_for_its_neighbours_and_then_runs_alone()
    {
        RequireBroker();
        await Client.Channel.QueueDeclareAsync(
            Options.ImagesQueue, durable: true, exclusive: false, autoDelete: false, RabbitTopology.ImagesArguments(Options));
        await SendAsync("suspect");
        var other = await PublisherClient.ConnectAsync(Options.Uri);
        Assert.Equal("suspect", (await other.Channel.BasicGetAsync(Options.ImagesQueue, autoAck: false))!.BasicProperties.MessageId);
        await StartAsync(answers: false);
        await SendAsync("before");
        var before = await NextImageAsync();

        await other.DisposeAsync();
        await UntilAsync(async () => (await StatisticsAsync()).Held == 1);
        await SendAsync("behind");
        await UntilAsync(async () => (await StatisticsAsync()).Held == 2);
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
        Answer(before);

        var suspect = await NextImageAsync();
        Assert.Equal("suspect", suspect.MessageId);
        Assert.True(suspect.Alone);
        Assert.Equal(1, (await StatisticsAsync()).Held);
        Answer(suspect);
        var behind = await NextImageAsync();
        Assert.Equal("behind", behind.MessageId);
        Assert.False(behind.Alone);
        Answer(behind);
        await SettledAsync(3);
    }

    [SkippableFact]
    public async Task A_deleted_queue_is_declared_again_and_consumed()
    {
        await StartAsync();
        await SendAsync("m-1");
        Assert.Equal("m-1", (await NextResultAsync()).MessageId);

        await Client.Channel.QueueDeleteAsync(Options.ImagesQueue, ifUnused: false, ifEmpty: false);
        await UntilAsync(async () => await StatisticsAsync() is { ConsumerConnected: true, Mode: IntakeMode.Careful });
        await SendAsync("m-2");

        Assert.Equal("m-2", (await NextResultAsync()).MessageId);
    }

    [SkippableFact]
    public async Task A_deleted_results_queue_is_declared_again_and_the_result_arrives()
    {
        await StartAsync();
        await Client.Channel.QueueDeleteAsync(Options.ResultsQueue, ifUnused: false, ifEmpty: false);

        await SendAsync("m-1");
        await SettledAsync(1);

        Assert.Equal("m-1", (await NextResultAsync()).MessageId);
        Assert.Equal(1, (await StatisticsAsync()).Republished);
    }

    [SkippableFact]
    public async Task A_queue_with_other_arguments_is_named_with_the_remedy()
    {
        RequireBroker();
        await Client.Channel.QueueDeclareAsync(
            Options.ImagesQueue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        await using var connection = await new RabbitConnector(Options).ConnectAsync("spec", CancellationToken.None);
        await using var channel = await connection.CreateChannelAsync();

        var fault = await Assert.ThrowsAsync<TopologyMismatchException>(() => RabbitTopology.DeclareAsync(channel, Options));

        Assert.Contains($"The queue '{Options.ImagesQueue}' exists with other arguments", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"rabbitmqctl delete_queue {Options.ImagesQueue}", fault.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_transport_recovers_when_the_wrong_queue_is_deleted()
    {
        RequireBroker();
        await Client.Channel.QueueDeclareAsync(
            Options.ImagesQueue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        // The next attempt comes after the one that is looked for.
        Options.ReconnectMinBackoff = TimeSpan.FromSeconds(3);
        Options.ReconnectMaxBackoff = TimeSpan.FromSeconds(3);
        await EventFilter.Error(contains: "exists with other arguments").ExpectAsync(1, Patience, () =>
        {
            StartTransport(Sys.ActorOf(Props.Create(() => new FakePipeline(Pipeline.Ref, true))));
            return Task.CompletedTask;
        });
        Assert.False((await StatisticsAsync()).ConsumerConnected);

        await Client.Channel.QueueDeleteAsync(Options.ImagesQueue, ifUnused: false, ifEmpty: false);

        await ConsumingAsync();
        await SendAsync("m-1");
        Assert.Equal("m-1", (await NextResultAsync()).MessageId);
    }

    [SkippableFact]
    public async Task A_message_that_the_client_library_cannot_read_is_dead_lettered_and_the_others_are_answered()
    {
        // Any wait of this backoff would be longer than the patience of the spec.
        Options.ReconnectMinBackoff = TimeSpan.FromMinutes(5);
        Options.ReconnectMaxBackoff = TimeSpan.FromMinutes(5);
        await StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await SendAsync($"before-{i}");
        }

        await RawPublisher.PublishAsync(Broker.Uri!, Options.ImagesQueue, RawPublisher.Unreadable("poison"), [1]);
        for (var i = 0; i < 5; i++)
        {
            await SendAsync($"behind-{i}");
        }

        var answered = new HashSet<string>();
        while (answered.Count < 10)
        {
            answered.Add((await NextResultAsync()).MessageId);
        }

        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.DeadLetterQueue) == 1);
        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.ImagesQueue) == 0);
    }

    [SkippableFact]
    public async Task Many_messages_in_a_row_that_cannot_be_read_hold_an_image_up_no_longer_than_their_deliveries_take()
    {
        Options.DeliveryLimit = 2;
        Options.ReconnectMinBackoff = TimeSpan.FromMinutes(5);
        Options.ReconnectMaxBackoff = TimeSpan.FromMinutes(5);
        await StartAsync();
        for (var i = 0; i < 8; i++)
        {
            await RawPublisher.PublishAsync(Broker.Uri!, Options.ImagesQueue, RawPublisher.Unreadable($"poison-{i}"), [1]);
        }

        await SendAsync("good");

        Assert.Equal("good", (await NextResultAsync()).MessageId);
        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.DeadLetterQueue) == 8);
    }

    [SkippableFact]
    public async Task A_results_queue_that_is_full_and_refuses_keeps_the_images_until_there_is_room()
    {
        RequireBroker(isPrivate: true);
        await StartAsync();
        await Broker.ControlAsync(
            "set_policy", "full", $"^{Options.ResultsQueue}$", """{"max-length":1,"overflow":"reject-publish"}""", "--apply-to", "queues");
        const int images = 6;
        for (var i = 0; i < images; i++)
        {
            await SendAsync($"m-{i}");
        }

        await UntilAsync(async () => await StatisticsAsync() is { PendingResults: > 0, Progress: { PublisherRefused: true, PublisherStandstill: not null } });
        await Broker.ControlAsync("clear_policy", "full");

        // RabbitMQ 3.10 goes on refusing on the channel on which it began to: only a fresh one is confirmed.
        var results = await Client.TakeAsync(Options.ResultsQueue, images);
        await SettledAsync(images);
        Assert.Equal(images, results.Select(result => Read(result).MessageId).Distinct().Count());
        Assert.Null((await StatisticsAsync()).Progress!.PublisherStandstill);
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.DeadLetterQueue));
    }

    [SkippableFact]
    public async Task A_strangers_reply_queue_that_is_full_holds_nobody_elses_answer_up()
    {
        await StartAsync();
        await Client.Channel.QueueDeclareAsync(
            ReplyQueue, durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-max-length"] = 1, ["x-overflow"] = "reject-publish" });
        for (var i = 0; i < 20; i++)
        {
            await SendAsync($"full-{i}", more: properties => properties.ReplyTo = ReplyQueue);
        }

        await SendAsync("good");

        Assert.Equal("good", (await NextResultAsync()).MessageId);
        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.DeadLetterQueue) >= 19);
    }

    private async Task<List<ClassifyImage>> TakeInFlightAsync(int count)
    {
        var images = new List<ClassifyImage>();
        for (var i = 0; i < count; i++)
        {
            await SendAsync($"m-{i}");
            images.Add(await NextImageAsync());
        }

        return images;
    }
}
