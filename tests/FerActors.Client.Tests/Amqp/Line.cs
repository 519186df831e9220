using System.Net;
using System.Net.Sockets;

namespace FerActors.Client.Tests.Amqp;

/// <summary>A line to the broker that can be cut: a port of its own before the broker's, which passes bytes both ways.</summary>
internal sealed class Line : IDisposable
{
    private readonly List<Socket> _ends = [];
    private readonly Lock _lock = new();
    private readonly Uri _broker;
    private readonly int _port;
    private TcpListener? _listener;

    /// <summary>A line that lets nobody in before <see cref="Mend"/>.</summary>
    public Line(string broker)
    {
        _broker = new Uri(broker);
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        _port = ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>The broker's address by this line.</summary>
    public string Uri => new UriBuilder(_broker) { Host = "127.0.0.1", Port = _port }.Uri.ToString();

    public void Mend()
    {
        var listener = new TcpListener(IPAddress.Loopback, _port);
        listener.Start();
        _listener = listener;
        _ = AcceptAsync(listener);
    }

    /// <summary>Ends every connection, and takes no new ones.</summary>
    public void Cut()
    {
        _listener?.Dispose();
        lock (_lock)
        {
            _ends.ForEach(end => end.Dispose());
            _ends.Clear();
        }
    }

    public void Dispose() => Cut();

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var near = await listener.AcceptSocketAsync();
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await far.ConnectAsync(_broker.Host, _broker.Port);
                lock (_lock)
                {
                    _ends.AddRange([near, far]);
                }

                _ = PassAsync(near, far);
                _ = PassAsync(far, near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        var part = new byte[65_536];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(part)) > 0)
            {
                await to.SendAsync(part.AsMemory(0, count));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
