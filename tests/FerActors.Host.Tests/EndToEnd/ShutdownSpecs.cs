using System.Globalization;
using FerActors.Testing;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>A node as a process of its own that is told to stop while it works.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ShutdownSpecs(BrokerNode broker)
{
    [SkippableFact]
    public async Task A_node_that_is_told_to_stop_under_load_answers_what_it_holds_and_leaves_the_rest_untouched()
    {
        const int images = 1500;
        Skip.If(broker.Uri is null, broker.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        var picture = Surroundings.Picture(".png", side: 48);
        for (var i = 0; i < images; i++)
        {
            await queues.PublishAsync(i.ToString(CultureInfo.InvariantCulture), picture, aligned: true);
        }

        await using var node = FerProcess.Start(["host", .. queues.NodeArguments, "--set", "RabbitMq:Prefetch=32"]);
        var answered = await queues.ResultsAsync(50);
        node.Signal("TERM");
        var code = await node.ExitAsync();
        Assert.True(code == 0, $"exit code {code}\n{node.Errors}");

        var (left, returned) = (new HashSet<string>(), new HashSet<string>());
        while (await queues.Client.Channel.BasicGetAsync(queues.Options.ImagesQueue, autoAck: true) is { } message)
        {
            (message.Redelivered ? returned : left).Add(message.BasicProperties.MessageId!);
        }

        var all = Enumerable.Range(0, images).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToHashSet();
        var ids = answered.Select(result => result.MessageId).ToHashSet();
        while (all.Except(left).Except(returned).Except(ids).Any())
        {
            answered.AddRange(await queues.ResultsAsync(1));
            ids.Add(answered[^1].MessageId);
        }

        // Whatever the node had taken, it has answered, but for what the queue sent while the channel closed; that is in the queue again. So
        // may be what was answered, where the queue had not applied its acknowledgement yet (the broker confirms none).
        Assert.NotEmpty(left);
        Assert.Empty(left.Intersect(ids));
        Assert.InRange(returned.Count, 0, 32);
        Assert.All(answered, result => Assert.Null(result.Error));
        Assert.Equal(all.Count, left.Union(returned).Union(ids).Count());
        Assert.Equal(ids.Count, answered.Count);
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.ResultsQueue));
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.DeadLetterQueue));
    }

    [SkippableFact]
    public async Task What_a_killed_node_had_taken_is_answered_by_the_next_one()
    {
        const int images = 200;
        Skip.If(broker.Uri is null, broker.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        var picture = Surroundings.Picture(".png", side: 48);
        for (var i = 0; i < images; i++)
        {
            await queues.PublishAsync(i.ToString(CultureInfo.InvariantCulture), picture, aligned: true);
        }

        var answered = new List<string>();
        await using (var node = FerProcess.Start(["host", .. queues.NodeArguments]))
        {
            answered.AddRange((await queues.ResultsAsync(10)).Select(result => result.MessageId));
            node.Signal("KILL");
            Assert.NotEqual(0, await node.ExitAsync());
        }

        await using var next = FerProcess.Start(["host", .. queues.NodeArguments]);
        while (answered.Distinct().Count() < images)
        {
            answered.AddRange((await queues.ResultsAsync(1)).Select(result => result.MessageId));
        }

        // Between the confirm of a result and the acknowledgement of its image a second answer is possible, with the same id.
        Assert.InRange(answered.Count, images, images + queues.Options.Prefetch);
        next.Signal("TERM");
        Assert.Equal(0, await next.ExitAsync());
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.ImagesQueue));
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.DeadLetterQueue));
    }
}
