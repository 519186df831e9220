using System.Text.RegularExpressions;
using FerActors.Control.Registry;
using FerActors.Control.Training;
using Serilog.Events;

namespace FerActors.Host.Observability;

/// <summary>
/// What Akka's membership, remoting, replication and singletons say of their own work: a dozen lines for one node that died, of which
/// <see cref="Clustering.ClusterNewsActor"/> says what a person needs. It is written from <c>Logging:Level=Debug</c> on.
/// </summary>
internal static partial class AkkaChatter
{
    private const string Source = "LogSource";

    // A stranger at the door is told whoever says it.
    private static readonly string[] Kept = ["Mutual TLS required", "Rejected incoming connection", "A connection with {Peer} was refused"];

    private static readonly string[] Singletons = [ModelRegistryHosting.SingletonName, TrainingSupervisorHosting.SingletonName];

    /// <summary>The actor, or the part of Akka, that wrote an event; <see langword="null"/> where it is not Akka's.</summary>
    public static string? SourceOf(LogEvent said) =>
        said.Properties.TryGetValue(Source, out var property) && property is ScalarValue { Value: string source } ? source : null;

    /// <summary>Whether an event is of that kind. Errors are, too, where they say that another node cannot be reached.</summary>
    public static bool Is(LogEvent said)
    {
        if (SourceOf(said) is not { } source)
        {
            return false;
        }

        var template = said.MessageTemplate.Text;
        return said.Level < LogEventLevel.Error
            ? (Advice().IsMatch(template) || Association().IsMatch(template) || Inner().IsMatch(source) || Singletons.Any(name => IsManager(source, name)))
                && !Kept.Any(kept => template.Contains(kept, StringComparison.Ordinal))
            : Association().IsMatch(template);
    }

    // /user/NAME and /user/NAME-proxy are Akka's; the actor itself is below the former.
    private static bool IsManager(string source, string name) =>
        source.EndsWith($"/user/{name}", StringComparison.Ordinal) || source.Contains($"/user/{name}#", StringComparison.Ordinal) || source.Contains($"/user/{name}]", StringComparison.Ordinal)
        || source.Contains($"/user/{name}-proxy", StringComparison.Ordinal);

    [GeneratedRegex(@"/system/(cluster|ddata|remot|endpointManager|transports|akkaprotocol)|/remote|Akka\.(Cluster|Remote|DistributedData)\b|Remoting|CoordinatedShutdown|DotNetty|Tcp\w*Handler|Cluster\(|/user/.*coordinator")]
    private static partial Regex Inner();

    // Of a membership that ClusterNewsActor tells, and of messages to whoever was on a node that died, each a paragraph of advice.
    [GeneratedRegex(@"^Cluster Node \[|^Starting remoting|^Remoting |dead letters? encountered")]
    private static partial Regex Advice();

    [GeneratedRegex("AssociationError|Association (with remote|to)|Tried to associate|Disassociat|No response from remote|TLS (handshake failed|exception)|Error caught channel")]
    private static partial Regex Association();
}
