using System.Net;
using System.Net.Sockets;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;

namespace FerActors.Host.Node;

/// <summary>Looks whether the ports that a node was given can be had, before it starts anything.</summary>
internal static class FreePorts
{
    /// <exception cref="IOException">One cannot; the message names its option and the cause.</exception>
    public static void Check(FerOptions options)
    {
        foreach (var (option, host, port) in Of(options))
        {
            Check(option, host, port);
        }
    }

    /// <summary>A sentence for each one that cannot be had.</summary>
    public static IEnumerable<string> Refusals(FerOptions options)
    {
        foreach (var (option, host, port) in Of(options))
        {
            string? refusal = null;
            try
            {
                Check(option, host, port);
            }
            catch (IOException e)
            {
                refusal = e.Message;
            }

            if (refusal is not null)
            {
                yield return refusal;
            }
        }
    }

    private static IEnumerable<(string Option, string Host, int Port)> Of(FerOptions options)
    {
        if (!options.Cluster.Alone)
        {
            yield return ("Cluster:Port", options.Cluster.HostName, options.Cluster.Port);
        }

        if (options.Health is { Enabled: true, Port: { } health })
        {
            yield return ("Health:Port", options.Health.Address, health);
        }

        if (options.Control is { Enabled: true, Port: { } control })
        {
            yield return ("Control:Port", options.Control.Address, control);
        }

        if (options.Cluster.Has(NodeRoles.Api))
        {
            var listeners = options.Api.Addresses.Select(address => (Option: "Api:Urls", Url: new Uri(address)))
                .Concat(options.Api.GrpcAddresses.Select(address => (Option: "Api:GrpcUrls", Url: new Uri(address))));
            foreach (var (option, url) in listeners)
            {
                yield return (option, url.DnsSafeHost, url.Port);
            }
        }
    }

    private static void Check(string option, string host, int port)
    {
        if (port == 0)
        {
            return;
        }

        try
        {
            var address = IPAddress.TryParse(host, out var given) ? given : Dns.GetHostAddresses(host)[0];
            using var listener = new TcpListener(address, port);
            listener.Start();
        }
        catch (SocketException e)
        {
            throw new IOException(
                e.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => $"{option}: another process listens on {host}:{port}.",
                    SocketError.AccessDenied => $"{option}: the user '{Environment.UserName}' may not listen on port {port}.",
                    SocketError.AddressNotAvailable => $"{option}: {host} is no address of this machine.",
                    _ => $"{option}: nothing can listen on {host}:{port}: {e.Message}.",
                },
                e);
        }
    }
}
