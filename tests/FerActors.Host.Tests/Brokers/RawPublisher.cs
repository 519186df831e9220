using System.Net.Sockets;
using FerActors.Lab.Fuzzing;

namespace FerActors.Host.Tests.Brokers;

/// <summary>Publishes what no client library would send: the content header is put on the wire as it is.</summary>
internal static class RawPublisher
{
    public static async Task PublishAsync(string uri, string queue, byte[] contentHeader, byte[] body)
    {
        var address = new Uri(uri);
        var user = address.UserInfo.Split(':');
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync("AMQP\0\0\x09\x01"u8.ToArray());
        await UntilAsync(10, 10);
        await SendAsync(0, new AmqpWriter().Name(10, 11).U32(0).Short("PLAIN").Long($"\0{user[0]}\0{user[1]}").Short("en_US"));
        await UntilAsync(10, 30);
        await SendAsync(0, new AmqpWriter().Name(10, 31).U16(2047).U32(131_072).U16(0));
        await SendAsync(0, new AmqpWriter().Name(10, 40).Short("/").Short("").U8(0));
        await UntilAsync(10, 41);
        await SendAsync(1, new AmqpWriter().Name(20, 10).Short(""));
        await UntilAsync(20, 11);
        await SendAsync(1, new AmqpWriter().Name(85, 10).U8(0));
        await UntilAsync(85, 11);
        await SendAsync(1, new AmqpWriter().Name(60, 40).U16(0).Short("").Short(queue).U8(0));
        await stream.WriteAsync(new AmqpFrame(AmqpFrame.Header, 1, contentHeader).ToBytes());
        await stream.WriteAsync(new AmqpFrame(AmqpFrame.Body, 1, body).ToBytes());
        await UntilAsync(60, 80);
        await SendAsync(0, new AmqpWriter().Name(10, 50).U16(200).Short("bye").Name(0, 0));
        await UntilAsync(10, 51);

        async Task SendAsync(ushort channel, AmqpWriter method) =>
            await stream.WriteAsync(new AmqpFrame(AmqpFrame.Method, channel, method.ToArray()).ToBytes());

        async Task UntilAsync(uint type, uint method)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while ((await AmqpFrame.ReadAsync(stream, patience.Token)).Name != (type << 16 | method))
            {
                // Whatever else the broker says meanwhile.
            }
        }
    }

    /// <summary>A header that AMQP allows and .NET's decimal does not: 1 with 29 places after the point.</summary>
    public static byte[] Unreadable(string messageId) =>
        AmqpFrame.ContentHeader(1, new AmqpWriter().Short("price").U8((byte)'D').U8(29).U32(1).ToArray(), System.Text.Encoding.UTF8.GetBytes(messageId));
}
