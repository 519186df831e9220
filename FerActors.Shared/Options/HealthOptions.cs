using System.Net;

namespace FerActors.Shared.Options;

/// <summary>Where whatever watches this node asks over HTTP whether it lives and whether it is ready.</summary>
public sealed record HealthOptions
{
    public const string Section = "Health";

    /// <summary>The port where none is given.</summary>
    public const int DefaultPort = 9120;

    public bool Enabled { get; init; } = true;

    /// <summary>The IP address to listen on: loopback by default, <c>0.0.0.0</c> where Kubernetes asks. The answers hold no secrets.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>
    /// Absent: <see cref="DefaultPort"/>, and no endpoint where another node of the machine has it. Given: it must be free; 0 takes
    /// any free one.
    /// </summary>
    public int? Port { get; init; }

    /// <summary>
    /// Names by which the endpoint is called, beside IP addresses, <c>localhost</c> and this machine's name; see
    /// <see cref="ApiOptions.AllowedHosts"/>. Probes and scrapers that ask a pod's address need none.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>How long an actor may take to say how it stands; from 100 ms to 1 minute.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A part that has work and finishes none of it for so long makes the node not ready; from 1 s to 1 hour.</summary>
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A part that stands still for so long, without a cause outside of the node, makes it not live, so that it is started anew. Not
    /// shorter than <see cref="StalledAfter"/> and at most 1 day: a restart spends a delivery of each image that the node holds.
    /// </summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(IPAddress.TryParse(Address, out _), nameof(Address), Address, "an IP address");
        errors.Check(Port is null or (>= 0 and <= 65_535), nameof(Port), Port, "from 0 to 65535, or absent");
        errors.Check(
            AnswerTimeout >= TimeSpan.FromMilliseconds(100) && AnswerTimeout <= TimeSpan.FromMinutes(1),
            nameof(AnswerTimeout),
            AnswerTimeout,
            "from 100 ms to 1 minute");
        HostPattern.Check(errors, nameof(AllowedHosts), AllowedHosts);
        errors.Check(
            StalledAfter >= TimeSpan.FromSeconds(1) && StalledAfter <= TimeSpan.FromHours(1), nameof(StalledAfter), StalledAfter, "from 1 second to 1 hour");
        errors.Check(
            DeadAfter >= StalledAfter && DeadAfter <= TimeSpan.FromDays(1), nameof(DeadAfter), DeadAfter, "not shorter than StalledAfter and at most 1 day");
        return errors.All;
    }
}
