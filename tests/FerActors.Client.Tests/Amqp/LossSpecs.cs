using System.Net.Sockets;
using FerActors.Testing;
using FerActors.Testing.Processes;

namespace FerActors.Client.Tests.Amqp;

/// <summary>Connections that break, on a line that can be cut.</summary>
[Collection(BrokerCollection.Name)]
public sealed class LossSpecs(BrokerNode broker) : IAsyncLifetime
{
    private static readonly byte[] Image = [1, 2, 3];

    private ScriptedNode? _node;
    private Line? _line;

    private ScriptedNode Node => _node!;

    private Line Line => _line!;

    public async Task InitializeAsync()
    {
        if (broker.Uri is not null)
        {
            _node = await ScriptedNode.StartAsync(broker.Uri);
            _line = new Line(broker.Uri);
        }
    }

    public async Task DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }

        _line?.Dispose();
    }

    [SkippableFact]
    public async Task Images_in_flight_when_the_connection_breaks_are_sent_again_with_their_ids()
    {
        await using var client = Client();
        Line.Mend();
        var classifying = Enumerable.Range(1, 50).Select(length => client.ClassifyAsync(new byte[length])).ToList();
        var before = await Node.NextAsync(50);

        Line.Cut();
        Line.Mend();
        var after = await Node.NextAsync(50);
        foreach (var asked in before.Concat(after))
        {
            await Node.AnswerAsync(asked);
        }

        var results = await Task.WhenAll(classifying);
        Assert.Equal(Enumerable.Range(1, 50), results.Select(result => result.Image!.Width));
        Assert.Equal(before.Select(Id).Order(), after.Select(Id).Order());
        Assert.Empty(before.Select(asked => asked.Properties.ReplyTo).Intersect(after.Select(asked => asked.Properties.ReplyTo)));
        Assert.False(Node.HasMore);
    }

    [SkippableFact]
    public async Task No_image_is_lost_while_the_connection_breaks_again_and_again()
    {
        await using var client = Client();
        Line.Mend();
        Node.AnswerAll();

        for (var round = 0; round < 5; round++)
        {
            var first = client.ClassifyAsync(Image);
            var classifying = Enumerable.Range(1, 100).Select(length => client.ClassifyAsync(new byte[length])).ToList();
            await first;
            Line.Cut();
            Line.Mend();
            var results = await Task.WhenAll(classifying);
            Assert.Equal(Enumerable.Range(1, 100), results.Select(result => result.Image!.Width));
        }
    }

    [SkippableFact]
    public async Task A_request_waits_for_a_broker_that_is_not_there_yet()
    {
        await using var client = Client();
        var failure = await Assert.ThrowsAsync<FerUnavailableException>(
            () => client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromSeconds(1) }));

        var classifying = client.ClassifyAsync(Image);
        Line.Mend();
        await Node.AnswerAsync(await Node.NextAsync());

        await classifying;
        Assert.Equal($"No broker listens at 127.0.0.1:{new Uri(Line.Uri).Port}.", failure.Message);
    }

    [SkippableFact]
    public async Task A_request_whose_connection_stays_broken_ends_with_the_reason()
    {
        await using var client = Client();
        Line.Mend();
        var classifying = client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromSeconds(3), MessageId = "m-1" });
        await Node.NextAsync();

        Line.Cut();

        var failure = await Assert.ThrowsAsync<FerUnavailableException>(() => classifying);
        Assert.Equal(("broker_unavailable", "m-1", true), (failure.Code, failure.MessageId, failure.IsTransient));
    }

    [SkippableFact]
    public async Task A_reply_queue_that_somebody_deletes_is_replaced_and_the_image_sent_again()
    {
        await using var client = Client();
        Skip.IfNot(broker.IsPrivate, "The broker is not this run's own.");
        Line.Mend();
        var classifying = client.ClassifyAsync(Image);
        var before = await Node.NextAsync();

        await broker.ControlAsync("delete_queue", before.Properties.ReplyTo!);
        var after = await Node.NextAsync();
        await Node.AnswerAsync(after);

        await classifying;
        Assert.Equal(Id(before), Id(after));
        Assert.NotEqual(before.Properties.ReplyTo, after.Properties.ReplyTo);
    }

    [SkippableFact]
    public async Task A_broker_that_is_silent_is_given_up_and_asked_again()
    {
        using var silent = new TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        await using var client = FerClient.Create(
            $"amqp://guest:guest@127.0.0.1:{((System.Net.IPEndPoint)silent.LocalEndpoint).Port}/",
            options =>
            {
                options.ConnectTimeout = TimeSpan.FromMilliseconds(100);
                options.ReconnectMinBackoff = options.ReconnectMaxBackoff = TimeSpan.FromMilliseconds(10);
            });
        var classifying = client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromSeconds(3) });

        using var first = await silent.AcceptTcpClientAsync();
        using var second = await silent.AcceptTcpClientAsync();

        var failure = await Assert.ThrowsAsync<FerUnavailableException>(() => classifying);
        Assert.Contains("does not answer in time", failure.Message, StringComparison.Ordinal);
    }

    private static string? Id(Asked asked) => asked.Properties.MessageId;

    private FerClient Client()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        return FerClient.Create(Line.Uri, options =>
        {
            options.ImagesQueue = Node.Queue;
            options.ReconnectMinBackoff = TimeSpan.FromMilliseconds(20);
            options.ReconnectMaxBackoff = TimeSpan.FromMilliseconds(200);
        });
    }
}
