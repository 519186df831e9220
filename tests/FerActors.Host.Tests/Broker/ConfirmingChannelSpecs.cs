using System.Text;
using FerActors.Host.Broker;
using FerActors.Lab.Fuzzing;
using FerActors.Shared.Options;
using RabbitMQ.Client;

namespace FerActors.Host.Tests.Broker;

/// <summary>Every way in which a publication may end, each on the wire.</summary>
public sealed class ConfirmingChannelSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeBroker _broker;
    private FakeAnswer _answer = FakeAnswer.Ack;
    private IConnection? _connection;
    private ConfirmingChannel? _channel;

    public ConfirmingChannelSpecs() => _broker = new FakeBroker(_ => _answer);

    public async Task InitializeAsync()
    {
        _connection = await new RabbitConnector(new RabbitMqOptions { Uri = _broker.Uri }).ConnectAsync("spec", CancellationToken.None);
        _channel = await ConfirmingChannel.OpenAsync(_connection, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _connection!.DisposeAsync();
        await _broker.DisposeAsync();
    }

    [Theory]
    [InlineData((int)FakeAnswer.Ack, (int)PublishEnd.Confirmed)]
    [InlineData((int)FakeAnswer.Nack, (int)PublishEnd.Refused)]
    [InlineData((int)FakeAnswer.Return, (int)PublishEnd.Unroutable)]
    [InlineData((int)FakeAnswer.Forbid, (int)PublishEnd.Broken)]
    [InlineData((int)FakeAnswer.Drop, (int)PublishEnd.Broken)]
    [InlineData((int)FakeAnswer.TooLarge, (int)PublishEnd.ContentRefused)]
    public async Task A_publication_ends_as_the_broker_says(int answer, int end)
    {
        _answer = (FakeAnswer)answer;

        Assert.Equal((PublishEnd)end, (await PublishAsync("m-1")).End);
    }

    [Fact]
    public async Task Without_a_word_of_the_broker_it_times_out_and_is_not_confirmed()
    {
        _answer = FakeAnswer.Nothing;

        Assert.Equal(PublishEnd.TimedOut, (await PublishAsync("m-1", timeout: TimeSpan.FromMilliseconds(200))).End);
    }

    [Fact]
    public async Task A_publication_whose_session_ends_is_not_confirmed()
    {
        _answer = FakeAnswer.Nothing;
        using var session = new CancellationTokenSource();
        var publishing = PublishAsync("m-1", ended: session.Token);
        Assert.False(publishing.IsCompleted);

        await session.CancelAsync();

        Assert.Equal(PublishEnd.Broken, (await publishing).End);
    }

    [Fact]
    public async Task What_waits_for_its_confirm_when_the_connection_ends_is_not_confirmed()
    {
        _answer = FakeAnswer.Nothing;
        var first = PublishAsync("m-1");
        var second = PublishAsync("m-2");

        await _connection!.CloseAsync();

        Assert.All([(await first).End, (await second).End], end => Assert.Equal(PublishEnd.Broken, end));
        Assert.Equal(PublishEnd.Broken, (await PublishAsync("m-3")).End);
    }

    [Fact]
    public async Task A_refusal_concerns_its_own_message_alone()
    {
        var endings = new List<PublishEnd>();
        foreach (var answer in new[] { FakeAnswer.Ack, FakeAnswer.Nack, FakeAnswer.Return, FakeAnswer.Ack })
        {
            _answer = answer;
            endings.Add((await PublishAsync("m-1")).End);
        }

        Assert.Equal([PublishEnd.Confirmed, PublishEnd.Refused, PublishEnd.Unroutable, PublishEnd.Confirmed], endings);
    }

    [Fact]
    public async Task Two_messages_that_look_alike_are_never_on_their_way_at_once()
    {
        _answer = FakeAnswer.Nothing;
        var first = PublishAsync("twin", timeout: TimeSpan.FromSeconds(1));
        var second = PublishAsync("twin", timeout: TimeSpan.FromSeconds(1));

        await Task.WhenAll(first, second);

        Assert.Single(_broker.Publications);
    }

    [Fact]
    public async Task A_message_that_the_client_cannot_encode_is_impossible_and_the_next_one_is_counted_right()
    {
        Assert.Equal(PublishEnd.Impossible, (await PublishAsync(new string('x', 300))).End);

        Assert.Equal(PublishEnd.Confirmed, (await PublishAsync("m-2")).End);
    }

    [Fact]
    public async Task A_returned_message_is_found_though_its_id_is_no_sound_text()
    {
        _answer = FakeAnswer.Return;

        Assert.Equal(PublishEnd.Unroutable, (await PublishAsync("m-\uD800")).End);
    }

    [Fact]
    public async Task The_clients_own_count_is_not_written_into_the_message()
    {
        await PublishAsync("m-1");

        var header = Encoding.Latin1.GetString(Assert.Single(_broker.Publications).Header);
        Assert.DoesNotContain("dotnet", header, StringComparison.Ordinal);
    }

    private Task<PublishEnding> PublishAsync(string messageId, TimeSpan? timeout = null, CancellationToken ended = default) =>
        _channel!.PublishAsync("q", mandatory: true, new BasicProperties { MessageId = messageId }, new byte[] { 1 }, timeout ?? Patience, ended);
}
