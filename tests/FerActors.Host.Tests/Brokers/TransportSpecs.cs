using System.Globalization;
using System.Text;
using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Intake;
using FerActors.Host.Results;
using FerActors.Inference.Pipeline;
using FerActors.Lab.Fuzzing;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using RabbitMQ.Client;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Brokers;

/// <summary>The queue contract, against a real broker.</summary>
public sealed class TransportSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    [SkippableFact]
    public async Task An_image_is_answered_on_the_results_queue_and_acknowledged()
    {
        await StartAsync();

        await SendAsync("m-1", Encoding.UTF8.GetBytes("picture"), properties =>
        {
            properties.CorrelationId = "c-1";
            properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Faces] = "largest", ["traceparent"] = "00-1" };
        });

        var message = await Client.NextAsync(Options.ResultsQueue);
        Assert.Equal("m-1", message.Properties.MessageId);
        Assert.Equal("c-1", message.Properties.CorrelationId);
        Assert.Equal("application/json", message.Properties.ContentType);
        Assert.Equal(DeliveryModes.Persistent, message.Properties.DeliveryMode);
        Assert.Equal(ResultPublisherActor.ResultType, message.Properties.Type);
        Assert.Equal(ResultPublisherActor.AppId, message.Properties.AppId);
        Assert.Equal(FakePipeline.Version, Encoding.UTF8.GetString((byte[])message.Properties.Headers![ResultPublisherActor.ModelVersionHeader]!));
        Assert.Equal("m-1", Read(message).MessageId);
        var image = await NextImageAsync();
        Assert.Equal("picture", Encoding.UTF8.GetString(image.Body.Span));
        Assert.Equal(FaceSelection.Largest, image.Request.Faces);
        Assert.False(image.Alone);
        var statistics = await SettledAsync(1);
        Assert.Equal(1, statistics.Published);
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.ImagesQueue));
    }

    [SkippableFact]
    public async Task Two_hundred_images_get_two_hundred_results_each_with_its_own_id()
    {
        await StartAsync();
        var ids = Enumerable.Range(0, 200).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToList();

        foreach (var id in ids)
        {
            await SendAsync(id);
        }

        var results = await Client.TakeAsync(Options.ResultsQueue, 200);
        Assert.Equal(ids.Order(), results.Select(result => Read(result).MessageId).Order());
        var statistics = await SettledAsync(200);
        Assert.Equal(IntakeMode.Full, statistics.Mode);
        Assert.Equal(0, statistics.Intake.Redelivered);
    }

    [SkippableFact]
    public async Task A_message_without_an_id_gets_one()
    {
        await StartAsync();

        await Client.PublishAsync(Options.ImagesQueue, [1]);

        var message = await Client.NextAsync(Options.ResultsQueue);
        Assert.True(Guid.TryParse(message.Properties.MessageId, out _));
        Assert.Equal(message.Properties.MessageId, Read(message).MessageId);
    }

    [SkippableFact]
    public async Task A_result_goes_where_reply_to_says()
    {
        await StartAsync();
        await Client.Channel.QueueDeclareAsync(ReplyQueue, durable: true, exclusive: false, autoDelete: false);

        await SendAsync("m-1", more: properties => properties.ReplyTo = ReplyQueue);

        Assert.Equal("m-1", Read(await Client.NextAsync(ReplyQueue)).MessageId);
        await SettledAsync(1);
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.ResultsQueue));
    }

    [SkippableFact]
    public async Task A_reply_to_that_is_not_allowed_is_dead_lettered_unread()
    {
        await StartAsync();

        await SendAsync("m-1", [7], properties =>
        {
            properties.ReplyTo = Options.ImagesQueue;
            properties.Expiration = "600000";
            properties.Headers = new Dictionary<string, object?> { ["own"] = "kept", ["CC"] = new List<object> { "nobody" } };
        });

        var dead = await Client.NextAsync(Options.DeadLetterQueue);
        Assert.Equal("m-1", dead.Properties.MessageId);
        Assert.Equal([7], dead.Body);
        Assert.Equal(
            $"its reply-to '{Options.ImagesQueue}' is not in ReplyToAllowed", Encoding.UTF8.GetString((byte[])dead.Properties.Headers![RabbitTopology.ReasonHeader]!));
        Assert.Equal("kept", Encoding.UTF8.GetString((byte[])dead.Properties.Headers["own"]!));
        Assert.False(dead.Properties.Headers.ContainsKey("CC"));
        Assert.False(dead.Properties.IsExpirationPresent());
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
        await UntilAsync(async () => (await StatisticsAsync()).Intake.DeadLettered == 1);
    }

    [SkippableFact]
    public async Task An_image_whose_reply_queue_does_not_exist_is_dead_lettered()
    {
        await StartAsync();

        await SendAsync("m-1", [7], properties => properties.ReplyTo = "fer.reply.nobody");

        var dead = await Client.NextAsync(Options.DeadLetterQueue);
        Assert.Equal("m-1", dead.Properties.MessageId);
        Assert.Contains("no queue is named 'fer.reply.nobody'", Encoding.UTF8.GetString((byte[])dead.Properties.Headers![RabbitTopology.ReasonHeader]!), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_direct_reply_comes_to_the_channel_that_asked_and_leaves_no_dead_letter()
    {
        await StartAsync();
        var replies = await Client.DirectRepliesAsync();

        for (var i = 0; i < 3; i++)
        {
            await SendAsync($"m-{i}", more: properties => properties.ReplyTo = "amq.rabbitmq.reply-to");
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($"m-{i}", Read(await replies.ReadAsync()).MessageId);
        }

        await SettledAsync(3);
        Assert.Equal(0, (await StatisticsAsync()).Intake.DeadLettered);
    }

    [SkippableFact]
    public async Task A_direct_reply_to_a_forged_or_finished_channel_holds_nothing_up()
    {
        await StartAsync();

        await SendAsync("m-1", more: properties => properties.ReplyTo = "amq.rabbitmq.reply-to.g1h2");
        await SendAsync("m-2", more: properties => properties.ReplyTo = "amq.rabbitmq.reply-to.é" + new string('A', 200));
        await SendAsync("m-3");

        Assert.Equal("m-3", (await NextResultAsync()).MessageId);
        await UntilAsync(async () => await StatisticsAsync() is { InFlight: 0 });
    }

    [SkippableFact]
    public async Task A_wrong_header_is_answered_with_an_error_result()
    {
        await StartAsync();

        await SendAsync("m-1", more: properties => properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Faces] = "some" });
        await SendAsync("m-2", more: properties => properties.Headers = new Dictionary<string, object?>
        {
            [RequestHeaders.Aligned] = new Dictionary<string, object?> { ["a"] = 1 },
        });

        var results = (await Client.TakeAsync(Options.ResultsQueue, 2)).Select(Read).ToList();
        Assert.All(results, result => Assert.Equal(ErrorCodes.InvalidHeader, result.Error!.Code));
        Assert.All(results, result => Assert.Equal("node-1", result.Node));
        Assert.Contains("'some'", results.Single(result => result.MessageId == "m-1").Error!.Message, StringComparison.Ordinal);
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
        Assert.Equal(2, (await SettledAsync(2)).Intake.Refused);
    }

    [SkippableFact]
    public async Task Header_values_may_be_booleans()
    {
        await StartAsync();

        await SendAsync("m-1", more: properties => properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Aligned] = true });

        Assert.True((await NextImageAsync()).Request.Aligned);
    }

    [SkippableFact]
    public async Task A_body_over_the_limit_is_answered_with_an_error_result()
    {
        Options.MaxBodyBytes = 1000;
        await StartAsync();

        await SendAsync("m-1", new byte[1001]);
        await SendAsync("m-2", new byte[1000]);

        var results = (await Client.TakeAsync(Options.ResultsQueue, 2)).Select(Read).ToDictionary(result => result.MessageId);
        Assert.Equal(ErrorCodes.TooLarge, results["m-1"].Error!.Code);
        Assert.Null(results["m-2"].Error);
    }

    [SkippableFact]
    public async Task An_empty_body_reaches_the_pipeline_which_answers_for_it()
    {
        await StartAsync();

        await SendAsync("m-1", []);

        Assert.Equal(0, (await NextImageAsync()).Body.Length);
        Assert.Equal("m-1", (await NextResultAsync()).MessageId);
    }

    [SkippableTheory]
    [InlineData(120)]
    [InlineData(1_700_000_000)]
    public async Task A_publishers_slow_clock_makes_no_image_expire(long secondsAgo)
    {
        await StartAsync();

        await SendAsync("m-1", more: properties =>
        {
            properties.Timestamp = new AmqpTimestamp(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - secondsAgo);
            properties.Expiration = "60000";
        });

        Assert.Null((await NextImageAsync()).ExpiresAt);
        Assert.Null((await NextResultAsync()).Error);
    }

    [SkippableFact]
    public async Task The_deadline_header_becomes_the_moment_of_expiry()
    {
        await StartAsync();

        await SendAsync("m-1", more: properties => properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Deadline] = 60_000 });

        var image = await NextImageAsync();
        Assert.Equal(image.ReceivedAt.AddMinutes(1), image.ExpiresAt);
    }

    [SkippableFact]
    public async Task An_id_that_is_not_utf_8_is_answered_with_an_error()
    {
        await StartAsync();

        await RawPublisher.PublishAsync(Broker.Uri!, Options.ImagesQueue, AmqpFrame.ContentHeader(1, messageId: [(byte)'m', 0xFF]), [1]);

        Assert.Equal(ErrorCodes.BadMessageId, (await NextResultAsync()).Error!.Code);
    }

    [SkippableFact]
    public async Task A_result_carries_nothing_of_the_client_library()
    {
        await StartAsync();

        await SendAsync("m-1");

        var headers = (await Client.NextAsync(Options.ResultsQueue)).Properties.Headers!;
        Assert.Equal([ResultPublisherActor.ModelVersionHeader], headers.Keys);
    }

    [SkippableFact]
    public async Task Before_the_first_fresh_image_the_consumer_takes_one_at_a_time_and_then_opens_up()
    {
        await StartAsync(answers: false);
        Assert.Equal(IntakeMode.Careful, (await StatisticsAsync()).Mode);

        for (var i = 0; i < 5; i++)
        {
            await SendAsync($"m-{i}");
        }

        var images = new List<ClassifyImage>();
        for (var i = 0; i < 5; i++)
        {
            images.Add(await NextImageAsync());
        }

        Assert.Equal(IntakeMode.Full, (await StatisticsAsync()).Mode);
        Assert.All(images, image => Assert.False(image.Alone));
        images.ForEach(Answer);
        await SettledAsync(5);
    }

    [SkippableFact]
    public async Task An_image_that_the_pipeline_forgets_is_returned_and_tried_again()
    {
        Options.OutcomeTimeout = TimeSpan.FromMilliseconds(500);
        await StartAsync(answers: false);

        await SendAsync("m-1");

        Assert.False((await NextImageAsync()).Alone);
        var second = await NextImageAsync();
        Assert.Equal("m-1", second.MessageId);
        Assert.True(second.Alone);
        Answer(second);
        Assert.Equal("m-1", (await NextResultAsync()).MessageId);
        Assert.Equal(1, (await SettledAsync(1)).Intake.Returned);
    }

    [SkippableFact]
    public async Task An_image_that_is_never_answered_is_dead_lettered_after_the_delivery_limit()
    {
        Options.OutcomeTimeout = TimeSpan.FromMilliseconds(200);
        Options.DeliveryLimit = 2;
        await StartAsync(answers: false);

        await SendAsync("m-1");

        Assert.Equal("m-1", (await Client.NextAsync(Options.DeadLetterQueue)).Properties.MessageId);
        Assert.Equal(3, (await StatisticsAsync()).Intake.Delivered);
    }

    [SkippableFact]
    public async Task Draining_finishes_what_is_in_flight_and_takes_nothing_new()
    {
        await StartAsync(answers: false);
        await SendAsync("m-1");
        await SendAsync("m-2");
        var first = await NextImageAsync();
        var second = await NextImageAsync();

        await Transport.Ask<IntakeStopped>(StopIntake.Instance, Patience);
        await SendAsync("m-3");
        var drained = Transport.Ask<TransportDrained>(DrainTransport.Instance, Patience);
        Answer(first);
        Answer(second);

        Assert.Equal(0, (await drained).Unfinished);
        Assert.Equal(["m-1", "m-2"], (await Client.TakeAsync(Options.ResultsQueue, 2)).Select(result => Read(result).MessageId).Order());
        Assert.Equal(1u, await Client.Channel.MessageCountAsync(Options.ImagesQueue));
        var left = await Client.Channel.BasicGetAsync(Options.ImagesQueue, autoAck: true);
        Assert.Equal("m-3", left!.BasicProperties.MessageId);
        Assert.False(left.Redelivered);
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
    }

    [SkippableFact]
    public async Task Draining_gives_up_after_its_timeout_and_the_broker_keeps_the_image()
    {
        Options.DrainTimeout = TimeSpan.FromMilliseconds(300);
        await StartAsync(answers: false);
        await SendAsync("m-1");
        await NextImageAsync();

        var drained = await Transport.Ask<TransportDrained>(DrainTransport.Instance, Patience);
        var again = await Transport.Ask<TransportDrained>(DrainTransport.Instance, Patience);

        Assert.Equal(1, drained.Unfinished);
        Assert.Equal(drained, again);
        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.ImagesQueue) == 1);
    }

    [SkippableFact]
    public async Task Nothing_is_consumed_before_the_pipeline_is_there()
    {
        RequireBroker();
        var pipeline = new TaskCompletionSource<IActorRef>();
        var options = Options;
        Func<Task<IActorRef>> find = () => pipeline.Task;
        await Client.Channel.QueueDeclareAsync(
            Options.ImagesQueue, durable: true, exclusive: false, autoDelete: false, RabbitTopology.ImagesArguments(Options));
        await SendAsync("m-1");

        var transport = Sys.ActorOf(Props.Create(() => new RabbitTransportActor(options, new RabbitConnector(options), find, "node-1", TimeProvider.System)));
        await UntilAsync(
            async () => (await transport.Ask<TransportStatistics>(GetTransportStatistics.Instance, Patience)).PublisherConnected);
        Assert.Equal(1u, await Client.Channel.MessageCountAsync(Options.ImagesQueue));
        pipeline.SetResult(Sys.ActorOf(Props.Create(() => new FakePipeline(Pipeline.Ref, true))));

        Assert.Equal("m-1", (await NextImageAsync()).MessageId);
        Assert.Equal(0, (await transport.Ask<TransportDrained>(DrainTransport.Instance, Patience)).Unfinished);
    }
}
