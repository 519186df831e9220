namespace FerActors.Lab.Bench;

/// <summary>How long and with what <c>fer-lab bench</c> measures.</summary>
/// <param name="Rounds">How often the raw pipeline, the node and the peer take turns.</param>
/// <param name="Window">Time of each end-to-end measurement; the raw ones take half of it.</param>
/// <param name="OpenFor">Shortest time of an open loop; a slow one goes on up to three times as long, for 200 images.</param>
/// <param name="Concurrency">Images under way at once in the closed loop.</param>
/// <param name="Photos">Folder of photos.</param>
/// <param name="PeerScript">The plain consumer; absent for none.</param>
/// <param name="Seed">Of the arrivals.</param>
/// <param name="NodeArguments"><c>--config</c> and <c>--set</c> for the node.</param>
/// <param name="Command">The command line, for the report.</param>
internal sealed record BenchSettings(
    int Rounds,
    TimeSpan Window,
    TimeSpan OpenFor,
    int Concurrency,
    string? Photos,
    string? PeerScript,
    int Seed,
    IReadOnlyList<string> NodeArguments,
    string Command)
{
    /// <summary>Images that a latency should be read from.</summary>
    public const int WantedImages = 200;

    /// <summary>How long an open loop at this rate goes on.</summary>
    public TimeSpan OpenAt(double ratePerSecond) =>
        TimeSpan.FromSeconds(Math.Clamp(WantedImages / ratePerSecond, OpenFor.TotalSeconds, 3 * OpenFor.TotalSeconds));
}
