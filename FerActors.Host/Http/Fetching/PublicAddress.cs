using System.Net;
using System.Net.Sockets;

namespace FerActors.Host.Http.Fetching;

/// <summary>
/// Which addresses belong to the public internet: IANA's special-purpose registries (RFC 6890 and its successors) name those that do not.
/// An address of IPv6 that carries one of IPv4 is judged by what it carries, or refused.
/// </summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",

            // Within the global unicast space: protocol assignments (Teredo among them), documentation, 6to4.
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        }.Select(text => IPNetwork.Parse(text)),
    ];

    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    /// <summary>Whether an address is reachable by anybody, so that fetching from it tells nobody anything new.</summary>
    public static bool Is(IPAddress address)
    {
        var judged = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return (judged.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(judged)) && !Special.Any(network => network.Contains(judged));
    }
}
