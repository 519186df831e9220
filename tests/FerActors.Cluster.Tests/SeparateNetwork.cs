using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FerActors.Cluster.Tests;

/// <summary>
/// A network namespace behind a bridge of this machine, whose cable can be pulled: what runs in it then reaches nobody and is reached
/// by nobody, while packets on the way are lost in silence. Needs root and iproute2.
/// </summary>
internal sealed class SeparateNetwork : IAsyncDisposable
{
    private readonly string _name = "fer" + Guid.NewGuid().ToString("N")[..8];
    private readonly int _subnet = Random.Shared.Next(1, 255);
    private readonly List<TcpListener> _doors = [];
    private readonly CancellationTokenSource _stop = new();

    private SeparateNetwork()
    {
    }

    /// <summary>This machine's address as the namespace sees it; every process outside reaches it too.</summary>
    public string Outside => string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.1");

    /// <summary>The namespace's address.</summary>
    public string Inside => string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.2");

    /// <summary>Becomes a program in the namespace.</summary>
    public IReadOnlyList<string> Launcher => ["ip", "netns", "exec", _name];

    private string Bridge => _name + "b";

    private string Cable => _name + "v";

    /// <summary>Makes one, or says why that cannot be done here.</summary>
    public static async Task<(SeparateNetwork? Network, string Absence)> TryCreateAsync()
    {
        var network = new SeparateNetwork();
        try
        {
            await IpAsync("netns", "add", network._name);
            await IpAsync("link", "add", network.Bridge, "type", "bridge");
            await IpAsync("addr", "add", $"{network.Outside}/24", "dev", network.Bridge);
            await IpAsync("link", "set", network.Bridge, "up");
            await IpAsync("link", "add", network.Cable, "type", "veth", "peer", "name", "eth0", "netns", network._name);
            await IpAsync("link", "set", network.Cable, "master", network.Bridge, "up");
            await IpAsync("-n", network._name, "addr", "add", $"{network.Inside}/24", "dev", "eth0");
            await IpAsync("-n", network._name, "link", "set", "eth0", "up");
            await IpAsync("-n", network._name, "link", "set", "lo", "up");
            return (network, "");
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            await network.DisposeAsync();
            return (null, $"A network namespace needs root and iproute2: {e.Message}");
        }
    }

    /// <summary>Pulls the cable.</summary>
    public Task CutAsync() => IpAsync("link", "set", Cable, "down");

    /// <summary>Opens a port of <see cref="Outside"/> that leads to a server on loopback.</summary>
    public int OpenDoor(int port)
    {
        var door = new TcpListener(IPAddress.Parse(Outside), 0);
        door.Start();
        _doors.Add(door);
        _ = WelcomeAsync(door, port);
        return ((IPEndPoint)door.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _doors.ForEach(door => door.Dispose());
        foreach (string[] thing in new[] { new[] { "link", "del", Cable }, ["link", "del", Bridge], ["netns", "del", _name] })
        {
            try
            {
                await IpAsync(thing);
            }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It was never made.
            }
        }

        _stop.Dispose();
    }

    private static Task IpAsync(params string[] arguments) => Chaos.RunAsync("ip", arguments);

    private async Task WelcomeAsync(TcpListener door, int port)
    {
        try
        {
            while (true)
            {
                _ = LeadAsync(await door.AcceptTcpClientAsync(_stop.Token), port);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The door is closed.
        }
    }

    private async Task LeadAsync(TcpClient guest, int port)
    {
        using var server = new TcpClient();
        using (guest)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
                var (there, back) = (guest.GetStream(), server.GetStream());
                await Task.WhenAny(there.CopyToAsync(back, _stop.Token), back.CopyToAsync(there, _stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
            {
                // One side has gone; the other follows.
            }
        }
    }
}
