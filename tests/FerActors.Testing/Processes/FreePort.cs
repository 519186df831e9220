using System.Net;
using System.Net.Sockets;

namespace FerActors.Testing.Processes;

/// <summary>Ports for nodes that must be named before they listen. Another process could take one in between.</summary>
public static class FreePort
{
    public static int Find()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
