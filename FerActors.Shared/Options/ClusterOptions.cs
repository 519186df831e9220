using System.Globalization;
using System.Net;
using FerActors.Shared.Cluster;

namespace FerActors.Shared.Options;

/// <summary>How this node meets the others. As it is by default the node is alone: a cluster of one that joins itself.</summary>
public sealed record ClusterOptions
{
    public const string Section = "Cluster";

    /// <summary>The name of the actor system, which every seed's address carries.</summary>
    public const string SystemName = "FerActors";

    private const string SeedForm = $"HOST:PORT or akka.tcp://{SystemName}@HOST:PORT";

    private static readonly string[] SeedStarts = [$"akka.tcp://{SystemName}@", $"akka.ssl.tcp://{SystemName}@"];

    /// <summary>The node joins itself and knows no others; it needs no seeds, and no other process can connect to its actors.</summary>
    public bool Alone { get; init; } = true;

    /// <summary>What a node that is not alone listens on; an address of this machine, or <c>0.0.0.0</c> with <see cref="PublicHostName"/>.</summary>
    public string HostName { get; init; } = "127.0.0.1";

    /// <summary>What the others call it; absent where that is <see cref="HostName"/>.</summary>
    public string? PublicHostName { get; init; }

    /// <summary>Port of Akka.Remote; 0 takes any free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// Addresses <c>HOST:PORT</c> or <c>akka.tcp://FerActors@HOST:PORT</c> through which a node joins. They must be the same in the
    /// same order on every node: only the first may found the cluster, so a list of its own would found a second one.
    /// </summary>
    public IReadOnlyList<string> SeedNodes { get; init; } = [];

    /// <summary>PEM file with this node's certificate; its key and the authority's certificate are then given too.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>PEM file with the private key of <see cref="CertificateFile"/>; whoever can read it can be a member.</summary>
    public string? CertificateKeyFile { get; init; }

    /// <summary>PEM file with the certificates of the authorities whose certificates make a process a member; several while one replaces another.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>The key's password; for the environment (<c>FER_Cluster__CertificateKeyPassword</c>), never for a shared file.</summary>
    [SecretOption]
    public string? CertificateKeyPassword { get; init; }

    /// <summary>A file that holds the key's password; a line end after it is ignored.</summary>
    public string? CertificateKeyPasswordFile { get; init; }

    /// <summary>
    /// Where nodes that listen on loopback and were given no certificate make one, which only their own user can read: the nodes of
    /// one user and folder are then members, other users' processes are not.
    /// </summary>
    public string CertificateFolder { get; init; } = "data/cluster";

    /// <summary>Members speak without TLS: whoever reaches the port can do everything that a member can.</summary>
    public bool AllowUnencrypted { get; init; }

    /// <summary>Of <see cref="NodeRoles"/>; absent means all. There is no default list, since bound items would be added to it.</summary>
    public IReadOnlyList<string>? Roles { get; init; }

    /// <summary>
    /// How long the first seed looks for the others before it founds a cluster. Akka's own 5 s are short enough for a restarted
    /// seed whose peers' names do not resolve yet to found a second one.
    /// </summary>
    public TimeSpan SeedNodeTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the members must stay as they are before the smaller side of a split is downed (keep-majority).</summary>
    public TimeSpan SplitBrainStableAfter { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// A role whose members alone are counted for the majority; absent counts all. With <c>control</c> the scaling of inference
    /// nodes cannot move the majority away from the seeds.
    /// </summary>
    public string? SplitBrainRole { get; init; }

    /// <summary>How long heartbeats may be missing before a node is unreachable; native work can stall a process.</summary>
    public TimeSpan AcceptableHeartbeatPause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether only processes of this machine can reach what the node listens on.</summary>
    public bool IsLocal => HostName == "localhost" || (IPAddress.TryParse(HostName, out var address) && IPAddress.IsLoopback(address));

    /// <summary>Whether members prove with a certificate that they are.</summary>
    public bool UsesTls => !Alone && !AllowUnencrypted;

    /// <summary>Whether the node is the one seed of a cluster whose members are all on this machine.</summary>
    public bool IsOnlyLocalSeed =>
        IsLocal && SeedNodes is [var seed] && Port > 0 && HostAndPort(seed) == string.Create(CultureInfo.InvariantCulture, $"{PublicHostName ?? HostName}:{Port}");

    /// <summary>The seeds with the protocol in force, which Akka takes for a part of an address.</summary>
    public IReadOnlyList<string> SeedAddresses =>
        [.. SeedNodes.Select(seed => SeedStarts[UsesTls ? 1 : 0] + HostAndPort(seed))];

    /// <summary>The roles in force.</summary>
    public IReadOnlyList<string> EffectiveRoles => Roles ?? NodeRoles.All;

    /// <summary>Whether this node does what the role says.</summary>
    public bool Has(string role) => EffectiveRoles.Contains(role, StringComparer.Ordinal);

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(HostName), nameof(HostName), HostName, "an address or a name");
        errors.Check(
            Alone || PublicHostName is { Length: > 0 } || HostName is not ("0.0.0.0" or "::"),
            nameof(PublicHostName), PublicHostName, "given where HostName is every address of the machine");
        errors.Check(Port is >= 0 and <= 65_535, nameof(Port), Port, "from 0 to 65535");
        errors.Check(
            Alone || SeedNodes.Count > 0,
            nameof(SeedNodes),
            "",
            "a list of addresses where Alone is false: without it each node founds its own cluster");
        errors.Check(
            !Alone || SeedNodes.Count == 0,
            nameof(SeedNodes),
            string.Join(", ", SeedNodes),
            "empty where Alone is true; set Cluster:Alone to false to join them");
        foreach (var seed in SeedNodes)
        {
            errors.Check(IsSeed(seed), nameof(SeedNodes), seed, SeedForm);
        }

        ValidateCertificates(errors);
        errors.Check(
            SeedNodes.Select(HostAndPort).Distinct(StringComparer.OrdinalIgnoreCase).Count() == SeedNodes.Count,
            nameof(SeedNodes),
            string.Join(", ", SeedNodes),
            "without repetition");
        errors.Check(Roles is not { Count: 0 }, nameof(Roles), "", $"at least one of {string.Join(", ", NodeRoles.All)}");
        foreach (var role in EffectiveRoles)
        {
            errors.Check(IsRole(role), nameof(Roles), role, $"one of {string.Join(", ", NodeRoles.All)}");
        }

        errors.Check(
            SplitBrainRole is null || IsRole(SplitBrainRole),
            nameof(SplitBrainRole),
            SplitBrainRole,
            $"one of {string.Join(", ", NodeRoles.All)}, or absent");
        Within(errors, nameof(SeedNodeTimeout), SeedNodeTimeout);
        Within(errors, nameof(SplitBrainStableAfter), SplitBrainStableAfter);
        Within(errors, nameof(AcceptableHeartbeatPause), AcceptableHeartbeatPause);
        return errors.All;
    }

    /// <summary>For logs and people: without the key's password.</summary>
    public override string ToString() => Alone ? "alone" : $"{PublicHostName ?? HostName}:{Port}, seeds {string.Join(", ", SeedAddresses)}";

    private void ValidateCertificates(OptionErrors errors)
    {
        string?[] files = [CertificateFile, CertificateKeyFile, AuthorityFile];
        var given = files.Count(file => file is not null);
        errors.Check(
            !UsesTls || IsLocal || given > 0,
            nameof(CertificateFile),
            CertificateFile,
            "given where HostName is not a loopback address, since whoever reaches the port would be a member: make certificates with "
            + "'fer cluster make-certificates', or set Cluster:AllowUnencrypted to true");
        errors.Check(
            !UsesTls || given is 0 or 3, nameof(CertificateFile), CertificateFile, "given together with CertificateKeyFile and AuthorityFile");
        errors.Check(!AllowUnencrypted || given == 0, nameof(AllowUnencrypted), AllowUnencrypted, "false where CertificateFile is given");
        errors.Check(
            CertificateKeyPassword is null || CertificateKeyPasswordFile is null,
            nameof(CertificateKeyPasswordFile),
            CertificateKeyPasswordFile,
            "absent where CertificateKeyPassword is given");
        if (!UsesTls)
        {
            return;
        }

        Exists(nameof(CertificateFile), CertificateFile);
        Exists(nameof(CertificateKeyFile), CertificateKeyFile);
        Exists(nameof(AuthorityFile), AuthorityFile);
        Exists(nameof(CertificateKeyPasswordFile), CertificateKeyPasswordFile);

        void Exists(string name, string? file) => errors.Check(file is null || File.Exists(file), name, file, "a file that exists");
    }

    private static void Within(OptionErrors errors, string name, TimeSpan value) =>
        errors.Check(value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromMinutes(10), name, value, "from 1 second to 10 minutes");

    private static bool IsRole(string role) => NodeRoles.All.Contains(role, StringComparer.Ordinal);

    private static string HostAndPort(string seed) =>
        SeedStarts.FirstOrDefault(start => seed.StartsWith(start, StringComparison.Ordinal)) is { } start ? seed[start.Length..] : seed;

    private static bool IsSeed(string seed)
    {
        // The last colon, since an IPv6 address has its own.
        var rest = HostAndPort(seed);
        var colon = rest.LastIndexOf(':');
        return colon > 0
            && Uri.CheckHostName(rest[..colon]) != UriHostNameType.Unknown
            && int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is >= 1 and <= 65_535;
    }
}
