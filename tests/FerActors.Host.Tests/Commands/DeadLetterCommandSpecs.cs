using System.Text;
using System.Text.Json;
using FerActors.Host.Broker;
using FerActors.Host.Commands;
using FerActors.Host.DeadLetters;
using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Testing;
using FerActors.Testing.Processes;
using RabbitMQ.Client;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer dead-letter</c> before a real broker: what it shows, and that no message is ever lost by it.</summary>
[Collection(BrokerCollection.Name)]
public sealed class DeadLetterCommandSpecs(BrokerNode broker) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-dead-").FullName;
    private NodeQueues? _queues;

    private NodeQueues Queues => _queues!;

    private IChannel Channel => Queues.Client.Channel;

    public async Task InitializeAsync() => _queues = broker.Uri is null ? null : await NodeQueues.DeclareAsync(broker);

    public async Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        if (_queues is not null)
        {
            await _queues.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task List_shows_each_with_its_reason_and_time_and_leaves_them_there()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await DieAsync("by-node", "its reply-to 'x' is not in ReplyToAllowed");
        await RejectAsync("by-broker");

        var (code, output, errors) = await RunAsync("list", "--json");
        var (_, table, _) = await RunAsync("list");

        Assert.True(code == 0, errors);
        var rows = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["by-node", "by-broker"], rows.Select(row => row.GetProperty("id").GetString()));
        Assert.Equal(["its reply-to 'x' is not in ReplyToAllowed", "rejected"], rows.Select(row => row.GetProperty("reason").GetString()));
        Assert.All(rows, row => Assert.InRange(
            row.GetProperty("dead_since").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(1)));
        Assert.Equal(Queues.Options.ImagesQueue, rows[1].GetProperty("from_queue").GetString());
        Assert.Contains($"2 of 2 messages of '{Queues.Options.DeadLetterQueue}'.", table, StringComparison.Ordinal);
        Assert.Equal(["by-broker", "by-node"], (await IdsAsync(Queues.Options.DeadLetterQueue, 2)).Order());
    }

    [SkippableTheory]
    [InlineData("--reason", "REPLY-TO", "old")]
    [InlineData("--id", "young", "young")]
    [InlineData("--older", "1d", "old")]
    [InlineData("--newer", "1d", "young")]
    public async Task A_filter_means_what_meets_it_and_purge_deletes_no_other(string filter, string value, string meant)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await DieAsync("old", "its reply-to is not allowed", DateTimeOffset.UtcNow.AddDays(-2));
        await DieAsync("young", "it is too long", DateTimeOffset.UtcNow.AddMinutes(-2));
        await DieAsync("timeless", "nobody knows", since: DateTimeOffset.UnixEpoch);

        var (code, output, _) = await RunAsync("list", filter, value, "--json");
        var (dry, wouldBe, _) = await RunAsync("purge", filter, value, "--dry-run");
        var before = await CountAsync(Queues.Options.DeadLetterQueue, 3);
        var (purged, said, _) = await RunAsync("purge", filter, value);

        Assert.Equal((0, 0, 0), (code, dry, purged));
        Assert.Equal(meant, JsonDocument.Parse(Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement.GetProperty("id").GetString());
        Assert.Contains("1 of 3 messages", wouldBe, StringComparison.Ordinal);
        Assert.Equal(3u, before);
        Assert.Contains("1 of 3 messages", said, StringComparison.Ordinal);
        Assert.DoesNotContain(meant, await IdsAsync(Queues.Options.DeadLetterQueue, 2));
    }

    [SkippableFact]
    public async Task Requeue_sends_the_message_back_as_it_was_sent_and_counts_it()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await Channel.BasicPublishAsync("", Queues.Options.DeadLetterQueue, true, new BasicProperties
        {
            MessageId = "order-17",
            CorrelationId = "c",
            ReplyTo = "gone",
            UserId = new Uri(broker.Uri).UserInfo.Split(':')[0],
            Headers = new Dictionary<string, object?>
            {
                ["x-fer-aligned"] = "true",
                [RabbitTopology.ReasonHeader] = "its queue is gone",
                [RabbitTopology.DeadSinceHeader] = 1L,
                [DeadLetter.RequeuedHeader] = 1L,
            },
        }, new byte[] { 1, 2, 3 });

        var (code, output, errors) = await RunAsync("requeue", "--id", "order-17", "--without-reply-to");

        Assert.True(code == 0, errors);
        Assert.Contains($"1 of 1 messages of '{Queues.Options.DeadLetterQueue}' sent back to '{Queues.Options.ImagesQueue}'.", output, StringComparison.Ordinal);
        var back = await Queues.Client.NextAsync(Queues.Options.ImagesQueue);
        Assert.Equal([1, 2, 3], back.Body);
        Assert.Equal(("order-17", "c"), (back.Properties.MessageId, back.Properties.CorrelationId));
        Assert.False(back.Properties.IsReplyToPresent());
        Assert.Equal(["x-fer-aligned", DeadLetter.RequeuedHeader], back.Properties.Headers!.Keys.Where(name => !name.StartsWith("x-dotnet", StringComparison.Ordinal)).Order());
        Assert.Equal(2L, back.Properties.Headers[DeadLetter.RequeuedHeader]);
        Assert.Equal(0u, await Channel.MessageCountAsync(Queues.Options.DeadLetterQueue));
    }

    [SkippableFact]
    public async Task What_the_broker_does_not_take_back_stays_a_dead_letter()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await DieAsync("one", "a reason");
        await DieAsync("two", "a reason");
        await Channel.QueueDeleteAsync(Queues.Options.ImagesQueue);

        var (code, output, errors) = await RunAsync("requeue", "--yes");

        Assert.Equal(1, code);
        Assert.Contains("0 of 2 messages", output, StringComparison.Ordinal);
        Assert.Contains("The broker does not take the dead letter 'one'", errors, StringComparison.Ordinal);
        Assert.Equal(["one", "two"], (await IdsAsync(Queues.Options.DeadLetterQueue, 2)).Order());
    }

    [SkippableFact]
    public async Task A_requeue_that_is_killed_loses_no_message()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        const int Messages = 400;
        var ids = Enumerable.Range(0, Messages).Select(i => $"m{i:000}").ToList();
        foreach (var id in ids)
        {
            await DieAsync(id, "a reason");
        }

        await using (var requeue = FerProcess.Start(["dead-letter", "requeue", "--yes", .. Queues.Arguments]))
        {
            await CountAsync(Queues.Options.ImagesQueue, 20);
            using var process = System.Diagnostics.Process.GetProcessById(requeue.Id);
            process.Kill();
            await requeue.ExitAsync();
        }

        // The broker takes back what the dead process held.
        var back = new HashSet<string>(StringComparer.Ordinal);
        using var bounded = new CancellationTokenSource(Patience);
        while (back.Count < Messages)
        {
            bounded.Token.ThrowIfCancellationRequested();
            foreach (var queue in new[] { Queues.Options.ImagesQueue, Queues.Options.DeadLetterQueue })
            {
                while (await Channel.BasicGetAsync(queue, autoAck: true, bounded.Token) is { } got)
                {
                    back.Add(got.BasicProperties.MessageId!);
                }
            }
        }

        Assert.Equal(ids, back.Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public async Task A_broker_that_drops_what_was_returned_too_often_gets_a_copy_before()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        const int Limit = 12;
        await Channel.QueueDeleteAsync(Queues.Options.DeadLetterQueue);
        await Channel.QueueDeclareAsync(
            Queues.Options.DeadLetterQueue, durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = Limit });
        await DieAsync("dear", "a reason", DateTimeOffset.UtcNow.AddHours(-1));

        for (var look = 0; look < 2 * Limit; look++)
        {
            await CountAsync(Queues.Options.DeadLetterQueue, 1);
            var (code, output, errors) = await RunAsync("list");
            Assert.True(code == 0, errors);
            Assert.Contains("dear", output, StringComparison.Ordinal);
        }

        var (_, json, _) = await RunAsync("list", "--json");
        Assert.InRange(
            JsonDocument.Parse(json).RootElement.GetProperty("dead_since").GetDateTimeOffset(),
            DateTimeOffset.UtcNow.AddHours(-1.2), DateTimeOffset.UtcNow.AddHours(-0.9));
    }

    [SkippableFact]
    public async Task Show_has_everything_but_the_body_which_goes_to_a_file_that_only_its_owner_reads()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await DieAsync("shown", "a reason", body: "a face"u8.ToArray(), headers: [("x-fer-aligned", "true"), ("color", "\u001b[31mred")]);
        var file = Path.Combine(_folder, "body");

        var (code, output, errors) = await RunAsync("show", "shown", "--save", file);
        await CountAsync(Queues.Options.DeadLetterQueue, 1);
        var (again, _, taken) = await RunAsync("show", "shown", "--save", file);
        var (unknown, _, none) = await RunAsync("show", "nobody");

        Assert.True(code == 0, errors);
        Assert.All(["shown", "a reason", "sha256:", "x-fer-aligned", "color"], text => Assert.Contains(text, output, StringComparison.Ordinal));
        Assert.DoesNotContain("a face", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
        Assert.Equal("a face", await File.ReadAllTextAsync(file));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Equal((1, 1), (again, unknown));
        Assert.Contains("exists", taken, StringComparison.Ordinal);
        Assert.Contains("No dead letter", none, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_dead_letters_of_feedback_go_back_to_the_feedback()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        foreach (var queue in new[] { Queues.Options.FeedbackQueue, Queues.Options.FeedbackDeadLetterQueue })
        {
            await Channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        }

        await Queues.Client.PublishAsync(Queues.Options.FeedbackDeadLetterQueue, "{}"u8.ToArray(), properties =>
            properties.Headers = new Dictionary<string, object?> { [RabbitTopology.ReasonHeader] = "message_id is missing" });

        var (listed, output, _) = await RunAsync("list", "--feedback");
        await CountAsync(Queues.Options.FeedbackDeadLetterQueue, 1);
        var (code, _, errors) = await RunAsync("requeue", "--feedback", "--reason", "message_id");

        Assert.True((listed, code) == (0, 0), errors);
        Assert.Contains("message_id is missing", output, StringComparison.Ordinal);
        Assert.Equal("{}", Encoding.UTF8.GetString((await Queues.Client.NextAsync(Queues.Options.FeedbackQueue)).Body));
    }

    [SkippableFact]
    public async Task What_cannot_be_read_is_said_and_can_be_purged()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await DieAsync("before", "a reason");
        await RawPublisher.PublishAsync(broker.Uri!, Queues.Options.DeadLetterQueue, RawPublisher.Unreadable("odd"), [1]);
        await CountAsync(Queues.Options.DeadLetterQueue, 2);

        var (code, _, errors) = await RunAsync("list");
        await CountAsync(Queues.Options.DeadLetterQueue, 2);
        var (purged, said, _) = await RunAsync("purge", "--yes");

        Assert.Equal(1, code);
        Assert.Contains("The message behind the first 1", errors, StringComparison.Ordinal);
        Assert.Equal(0, purged);
        Assert.Contains("2 messages", said, StringComparison.Ordinal);
        Assert.Equal(0u, await Channel.MessageCountAsync(Queues.Options.DeadLetterQueue));
    }

    [SkippableTheory]
    [InlineData("requeue")]
    [InlineData("purge")]
    public async Task Without_a_filter_and_without_yes_nothing_is_begun(string verb)
    {
        Skip.If(broker.Uri is null, broker.Absence);

        var (code, _, errors) = await RunAsync(verb);

        Assert.Equal(2, code);
        Assert.Contains("--yes", errors, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_queue_that_is_not_there_and_a_time_that_is_none_are_named()
    {
        Skip.If(broker.Uri is null, broker.Absence);

        var (code, _, errors) = await RunAsync("list", "--set", "RabbitMq:DeadLetterQueue=fer.nowhere");
        var (misused, _, sentence) = await RunAsync("list", "--older", "soon");

        Assert.Equal((1, 2), (code, misused));
        Assert.Contains("There is no queue 'fer.nowhere' on the broker; see RabbitMq:DeadLetterQueue.", errors, StringComparison.Ordinal);
        Assert.Contains("--older is 'soon'", sentence, StringComparison.Ordinal);
    }

    private async Task DieAsync(
        string id, string reason, DateTimeOffset? since = null, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        var all = headers.ToDictionary(header => header.Name, header => (object?)header.Value);
        all[RabbitTopology.ReasonHeader] = reason;
        if (since != DateTimeOffset.UnixEpoch)
        {
            all[RabbitTopology.DeadSinceHeader] = (since ?? DateTimeOffset.UtcNow).ToUnixTimeMilliseconds();
        }

        await Queues.Client.PublishAsync(Queues.Options.DeadLetterQueue, body ?? [1], properties =>
        {
            properties.MessageId = id;
            properties.Headers = all;
        });
    }

    private async Task RejectAsync(string id)
    {
        await Queues.PublishAsync(id, [1]);
        await CountAsync(Queues.Options.ImagesQueue, 1);
        var got = await Channel.BasicGetAsync(Queues.Options.ImagesQueue, autoAck: false);
        await Channel.BasicRejectAsync(got!.DeliveryTag, requeue: false);
        await CountAsync(Queues.Options.DeadLetterQueue, 2);
    }

    private async Task<uint> CountAsync(string queue, uint least)
    {
        using var bounded = new CancellationTokenSource(Patience);
        while (true)
        {
            var count = await Channel.MessageCountAsync(queue, bounded.Token);
            if (count >= least)
            {
                return count;
            }

            await Task.Yield();
        }
    }

    private async Task<List<string>> IdsAsync(string queue, int count) =>
        [.. (await Queues.Client.TakeAsync(queue, count)).Select(message => message.Properties.MessageId!)];

    private async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(["dead-letter", arguments[0], .. Queues.Arguments, .. arguments[1..]], (output, errors)).WaitAsync(Patience);
        return (code, output.ToString(), errors.ToString());
    }
}
