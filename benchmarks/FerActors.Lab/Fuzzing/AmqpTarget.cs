using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Intake;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using RabbitMQ.Client;

namespace FerActors.Lab.Fuzzing;

/// <summary>
/// Properties as a broker passes them on unread, in whole frames, through the real client library and the consumer of images. What the
/// library cannot read must end the connection in a way that the link takes for what it is; anything else would leave the node waiting.
/// The frames around them are the broker's own work, which no publisher reaches.
/// </summary>
internal static class AmqpTarget
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static FuzzTarget Create(string name)
    {
        // Started with the first input: the process that only listens needs none.
        var system = new Lazy<ActorSystem>(() => ActorSystem.Create("fuzz-amqp", "akka.loglevel = OFF, akka.stdout-loglevel = OFF"));
        return new FuzzTarget(
            name,
            "properties of AMQP deliveries: the client library and the consumer",
            "an end of the connection that is told from a lost one",
            FuzzSeeds.Properties(),
            bytes => ReadAsync(system.Value, bytes).GetAwaiter().GetResult(),
            _ => false);
    }

    private static async Task<bool> ReadAsync(ActorSystem system, byte[] bytes)
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource<SessionEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reader = system.ActorOf(Props.Create(() => new Reader(read)));
        var broker = new FakeBroker(consume: async consumer =>
        {
            await consumer.DeliverAsync(1, [.. AmqpFrame.ContentHeader(1)[..AmqpFrame.PropertiesAt], .. bytes], [1]).ConfigureAwait(false);
            await consumer.DeliverAsync(ulong.MaxValue, AmqpFrame.ContentHeader(1, messageId: [.. "last"u8]), [1]).ConfigureAwait(false);
            await Task.WhenAny(read.Task, ended.Task, Task.Delay(Silence)).ConfigureAwait(false);

            // In life the heartbeat ends a connection on which nothing comes any more.
            consumer.Hang();
        });
        await using (broker.ConfigureAwait(false))
        {
            var options = new RabbitMqOptions { Uri = broker.Uri };
            var connection = await new RabbitConnector(options).ConnectAsync("fuzz", CancellationToken.None).ConfigureAwait(false);
            connection.ConnectionShutdownAsync += (_, reason) =>
            {
                ended.TrySetResult(SessionEnd.Of(reason));
                return Task.CompletedTask;
            };
            var channel = await connection.CreateChannelAsync().ConfigureAwait(false);
            channel.WhenShut(end => ended.TrySetResult(end));
            var consumer = new DeliveryConsumer(channel, session: 1, options.MaxBodyBytes, reader, TimeProvider.System, late: false);

            // Neither the answer to this nor the closing is waited for, as in the node: a broken connection may take seconds over both.
            var consuming = channel.BasicConsumeAsync("q", autoAck: false, "fuzz", consumer);
            _ = consuming.ContinueWith(static task => _ = task.Exception, TaskScheduler.Default);
            await (await Task.WhenAny(read.Task, ended.Task).WaitAsync(Patience).ConfigureAwait(false)).ConfigureAwait(false);
            _ = CloseAsync(connection);
        }

        system.Stop(reader);
        return read.Task.IsCompletedSuccessfully;
    }

    private static async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is broken, as it was meant to be.
        }
    }

    // Reads as the consumer does; a fault of the reading is the fault of the input.
    private sealed class Reader : ReceiveActor
    {
        public Reader(TaskCompletionSource read)
        {
            var envelopes = new EnvelopeReader(new RabbitMqOptions());
            Receive<RawDelivery>(raw =>
            {
                try
                {
                    _ = envelopes.Read(raw);
                    if (raw.Key == new DeliveryKey(1, ulong.MaxValue))
                    {
                        read.TrySetResult();
                    }
                }
                catch (Exception e)
                {
                    read.TrySetException(e);
                }
            });
            ReceiveAny(_ => { });
        }
    }
}
