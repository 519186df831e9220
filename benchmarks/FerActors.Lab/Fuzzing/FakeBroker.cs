using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FerActors.Lab.Fuzzing;

/// <summary>What a fake broker makes of a publication.</summary>
internal enum FakeAnswer
{
    Ack,
    Nack,

    /// <summary>Given back as unroutable, then confirmed, as a broker does.</summary>
    Return,

    /// <summary>No word at all.</summary>
    Nothing,

    /// <summary>The channel is closed, since the user lacks the right.</summary>
    Forbid,

    /// <summary>The channel is closed over the message's size.</summary>
    TooLarge,

    /// <summary>The connection ends without a word.</summary>
    Drop,
}

/// <param name="Connection">The connection's number, from 1.</param>
/// <param name="Number">The publication's number in its channel, from 1.</param>
/// <param name="Queue">The routing key.</param>
/// <param name="Mandatory">Whether it is to come back where no queue has that name.</param>
/// <param name="Header">The content header.</param>
/// <param name="Body">The body.</param>
internal sealed record FakePublication(int Connection, ulong Number, string Queue, bool Mandatory, byte[] Header, byte[] Body);

/// <param name="IsConfirm">A publication was confirmed; else a client acknowledged a delivery.</param>
/// <param name="Tag">The publication's number, or the delivery's.</param>
/// <param name="Publication">What was confirmed.</param>
internal sealed record FakeEvent(bool IsConfirm, ulong Tag, FakePublication? Publication);

/// <summary>
/// The broker's side of AMQP 0-9-1 on loopback, as far as this node's clients use it: it agrees to everything that they declare, and
/// does with publications and consumers what it is told, also what a sound broker would never do.
/// </summary>
internal sealed class FakeBroker : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<FakePublication, FakeAnswer> _answer;
    private readonly Func<FakeConsumer, Task>? _consume;
    private readonly Task _accepting;
    private int _connections;

    /// <param name="answer">What becomes of a publication; confirmed by default.</param>
    /// <param name="consume">What happens once a consumer is there.</param>
    public FakeBroker(Func<FakePublication, FakeAnswer>? answer = null, Func<FakeConsumer, Task>? consume = null)
    {
        _answer = answer ?? (_ => FakeAnswer.Ack);
        _consume = consume;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Uri => string.Create(CultureInfo.InvariantCulture, $"amqp://fer:fer@127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Connections so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Publications so far, in their order.</summary>
    public ConcurrentQueue<FakePublication> Publications { get; } = new();

    /// <summary>Delivery tags that clients acknowledged, and ids of publications that were confirmed, in the order in which they happened.</summary>
    public ConcurrentQueue<FakeEvent> Events { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        await _accepting.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                client.NoDelay = true;
                serving.RemoveAll(task => task.IsCompleted);
                serving.Add(ServeAsync(client, Interlocked.Increment(ref _connections)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(serving).ConfigureAwait(false);
        }
    }

    private async Task ServeAsync(TcpClient client, int number)
    {
        using (client)
        {
            try
            {
                await new Conversation(this, client.GetStream(), number).RunAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or InvalidDataException or ObjectDisposedException)
            {
                // The client has gone, or is to go.
            }
        }
    }

    private sealed class Conversation(FakeBroker broker, NetworkStream stream, int number)
    {
        private readonly Dictionary<ushort, ulong> _published = [];

        // Between the close of a channel and the client's answer everything on the channel is dropped, as a broker does.
        private readonly HashSet<ushort> _closing = [];

        public async Task RunAsync(CancellationToken stop)
        {
            await stream.ReadExactlyAsync(new byte[8], stop).ConfigureAwait(false);
            await SendAsync(0, new AmqpWriter().Name(10, 10).U8(0).U8(9).U32(0).Long("PLAIN").Long("en_US")).ConfigureAwait(false);
            while (true)
            {
                var frame = await AmqpFrame.ReadAsync(stream, stop).ConfigureAwait(false);
                if (_closing.Contains(frame.Channel))
                {
                    continue;
                }

                if (frame.Type == AmqpFrame.Method && !await AnswerAsync(frame, stop).ConfigureAwait(false))
                {
                    return;
                }
            }
        }

        /// <returns>Whether the conversation goes on.</returns>
        private async Task<bool> AnswerAsync(AmqpFrame frame, CancellationToken stop)
        {
            var (type, method) = ((ushort)(frame.Name >> 16), (ushort)frame.Name);
            switch (type, method)
            {
                case (10, 11):
                    await SendAsync(0, new AmqpWriter().Name(10, 30).U16(2047).U32(131_072).U16(0)).ConfigureAwait(false);
                    break;
                case (10, 40):
                    await SendAsync(0, new AmqpWriter().Name(10, 41).U8(0)).ConfigureAwait(false);
                    break;
                case (10, 50):
                    await SendAsync(0, new AmqpWriter().Name(10, 51)).ConfigureAwait(false);
                    return false;
                case (20, 10):
                    await SendAsync(frame.Channel, new AmqpWriter().Name(20, 11).U32(0)).ConfigureAwait(false);
                    break;
                case (50, 10):
                    await SendAsync(frame.Channel, new AmqpWriter().Name(50, 11).Short(Text(frame.Payload, 6)).U32(0).U32(0)).ConfigureAwait(false);
                    break;
                case (60, 20):
                    await ConsumeAsync(frame).ConfigureAwait(false);
                    break;
                case (60, 30):
                    await SendAsync(frame.Channel, new AmqpWriter().Name(60, 31).Short(Text(frame.Payload, 4))).ConfigureAwait(false);
                    break;
                case (60, 80):
                    broker.Events.Enqueue(new FakeEvent(IsConfirm: false, BinaryPrimitives.ReadUInt64BigEndian(frame.Payload.AsSpan(4)), null));
                    break;
                case (60, 40):
                    return await PublishedAsync(frame, stop).ConfigureAwait(false);
                case (20, 40) or (40, 10) or (50, 20) or (60, 10) or (85, 10):
                    await SendAsync(frame.Channel, new AmqpWriter().Name(type, (ushort)(method + 1))).ConfigureAwait(false);
                    break;
                default:
                    // Nothing that wants an answer: tune-ok, acknowledgements, the answers to what was closed here.
                    break;
            }

            return true;
        }

        private async Task ConsumeAsync(AmqpFrame frame)
        {
            var queue = Text(frame.Payload, 6);
            var tag = Text(frame.Payload, 7 + Encoding.UTF8.GetByteCount(queue));
            tag = tag.Length == 0 ? "chosen" : tag;
            await SendAsync(frame.Channel, new AmqpWriter().Name(60, 21).Short(tag)).ConfigureAwait(false);
            if (broker._consume is { } consume)
            {
                await consume(new FakeConsumer(stream, number, frame.Channel, tag)).ConfigureAwait(false);
            }
        }

        private async Task<bool> PublishedAsync(AmqpFrame method, CancellationToken stop)
        {
            var exchange = Text(method.Payload, 6);
            var at = 7 + Encoding.UTF8.GetByteCount(exchange);
            var queue = Text(method.Payload, at);
            var mandatory = (method.Payload[^1] & 1) == 1;
            var header = (await AmqpFrame.ReadAsync(stream, stop).ConfigureAwait(false)).Payload;
            var body = new List<byte>();
            while ((ulong)body.Count < BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(4)))
            {
                body.AddRange((await AmqpFrame.ReadAsync(stream, stop).ConfigureAwait(false)).Payload);
            }

            var (channel, tag) = (method.Channel, _published.GetValueOrDefault(method.Channel) + 1);
            _published[channel] = tag;
            var publication = new FakePublication(number, tag, queue, mandatory, header, [.. body]);
            broker.Publications.Enqueue(publication);
            switch (broker._answer(publication))
            {
                case FakeAnswer.Ack:
                    broker.Events.Enqueue(new FakeEvent(IsConfirm: true, tag, publication));
                    await SendAsync(channel, new AmqpWriter().Name(60, 80).U64(tag).U8(0)).ConfigureAwait(false);
                    break;
                case FakeAnswer.Nack:
                    await SendAsync(channel, new AmqpWriter().Name(60, 120).U64(tag).U8(0)).ConfigureAwait(false);
                    break;
                case FakeAnswer.Return:
                    await SendAsync(channel, new AmqpWriter().Name(60, 50).U16(312).Short("NO_ROUTE").Short(exchange).Short(queue)).ConfigureAwait(false);
                    await stream.WriteAsync(new AmqpFrame(AmqpFrame.Header, channel, header).ToBytes(), stop).ConfigureAwait(false);
                    await stream.WriteAsync(new AmqpFrame(AmqpFrame.Body, channel, [.. body]).ToBytes(), stop).ConfigureAwait(false);
                    await SendAsync(channel, new AmqpWriter().Name(60, 80).U64(tag).U8(0)).ConfigureAwait(false);
                    break;
                case FakeAnswer.Forbid:
                    _closing.Add(channel);
                    await SendAsync(channel, new AmqpWriter().Name(20, 40).U16(403).Short("ACCESS_REFUSED").Name(60, 40)).ConfigureAwait(false);
                    break;
                case FakeAnswer.TooLarge:
                    _closing.Add(channel);
                    await SendAsync(channel, new AmqpWriter().Name(20, 40).U16(406).Short("PRECONDITION_FAILED").Name(60, 40)).ConfigureAwait(false);
                    break;
                case FakeAnswer.Drop:
                    return false;
                default:
                    break;
            }

            return true;
        }

        private ValueTask SendAsync(ushort channel, AmqpWriter method) =>
            stream.WriteAsync(new AmqpFrame(AmqpFrame.Method, channel, method.ToArray()).ToBytes());

        private static string Text(byte[] payload, int at) => Encoding.UTF8.GetString(payload, at + 1, payload[at]);
    }
}

/// <summary>A consumer of a fake broker.</summary>
/// <param name="stream">Its connection.</param>
/// <param name="connection">Number of the connection, from 1.</param>
/// <param name="channel">Its channel.</param>
/// <param name="tag">Its name.</param>
internal sealed class FakeConsumer(NetworkStream stream, int connection, ushort channel, string tag)
{
    public int Connection => connection;

    public ushort Channel => channel;

    public string Tag => tag;

    /// <summary>Puts bytes on the wire as they are.</summary>
    public ValueTask WriteAsync(byte[] bytes) => stream.WriteAsync(bytes);

    /// <summary>Delivers a message.</summary>
    public ValueTask DeliverAsync(ulong number, byte[] contentHeader, byte[] body) =>
        WriteAsync(AmqpFrame.Delivery(channel, tag, number, contentHeader, body));

    /// <summary>Ends the connection without a word.</summary>
    public void Hang() => stream.Socket.Shutdown(SocketShutdown.Both);
}
