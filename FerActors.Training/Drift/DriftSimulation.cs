using System.Globalization;
using System.Text;
using FerActors.Shared.Drift;
using FerActors.Shared.Options;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Vision.Model;

namespace FerActors.Training.Drift;

/// <summary>Shows what the drift monitor says of streams whose drift is known.</summary>
/// <remarks>
/// The reference is every second PublicTest image; streams come from the others, drawn with replacement. A stream that changes
/// runs unchanged for 1,000 faces first, so that the window is full of the old world when the new one begins.
/// </remarks>
public static class DriftSimulation
{
    /// <summary>Faces of an unchanged stream.</summary>
    public const int Unchanged = 10_000;

    private const int Before = 1_000;
    private const int After = 2_000;

    /// <summary>Runs the streams: unchanged from Training and from PublicTest, then one for each change.</summary>
    /// <exception cref="InvalidDataException">The data has too few images.</exception>
    public static IReadOnlyList<StreamOutcome> Run(
        VitCheckpoint checkpoint, FerDataset all, DriftOptions options, IReadOnlyList<ImageChange> changes, ulong seed, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(all);
        ArgumentNullException.ThrowIfNull(changes);
        var validation = all.Where(FerUsage.PublicTest);
        var training = all.Where(FerUsage.Training);
        if (validation.Count < 2 || training.Count == 0)
        {
            throw new InvalidDataException("A simulation needs Training images and at least two PublicTest images.");
        }

        var reference = DriftReferences.Build(checkpoint, validation.Where(i => i % 2 == 0), FerUsage.PublicTest);
        cancellation.ThrowIfCancellationRequested();
        var rest = validation.Where(i => i % 2 == 1);
        var usual = DriftReferences.Samples(checkpoint, rest, reference.Embedding);
        var random = new SeededRandom(seed, 0, 0);

        // Without replacement where there are enough.
        var order = Enumerable.Range(0, training.Count).ToArray();
        random.Shuffle(order.AsSpan());
        var trained = DriftReferences.Samples(checkpoint, training.Select(order.AsSpan(0, Math.Min(Unchanged, order.Length))), reference.Embedding);
        cancellation.ThrowIfCancellationRequested();
        var outcomes = new List<StreamOutcome>
        {
            Watch("unchanged, Training", reference, options, Enumerable.Range(0, Unchanged).Select(i => trained[i % trained.Count]), changedAt: null),
            Watch("unchanged, PublicTest", reference, options, Draw(usual, Unchanged, ref random), changedAt: null),
        };
        foreach (var change in changes)
        {
            cancellation.ThrowIfCancellationRequested();
            var changed = change.Apply(rest);
            if (changed.Count == 0)
            {
                throw new InvalidDataException($"After the change '{change.Name}' no image is left.");
            }

            var samples = DriftReferences.Samples(checkpoint, changed, reference.Embedding);
            var stream = Draw(usual, Before, ref random).Concat(Draw(samples, After, ref random)).ToList();
            outcomes.Add(Watch(change.Name, reference, options, stream, Before));
        }

        return outcomes;
    }

    /// <summary>Runs one stream through a fresh monitor.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="reference">What it is compared with.</param>
    /// <param name="options">Window and thresholds.</param>
    /// <param name="stream">The faces.</param>
    /// <param name="changedAt">Faces before the change; null where there is none.</param>
    public static StreamOutcome Watch(
        string name, DriftReference reference, DriftOptions options, IEnumerable<DriftSample> stream, int? changedAt)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var state = new DriftState(reference, options);
        var tracks = reference.Signals.Keys.Order().ToDictionary(signal => signal, _ => new Track());
        var faces = 0;
        foreach (var sample in stream)
        {
            faces++;
            foreach (var change in state.Observe(sample))
            {
                tracks[change.Signal].Note(change, changedAt ?? 0);
            }

            foreach (var status in state.Signals.Where(status => status.Judged))
            {
                tracks[status.Signal].Note(status);
            }
        }

        return new StreamOutcome(name, faces, changedAt, [.. tracks.Select(track => track.Value.Outcome(track.Key))]);
    }

    /// <summary>A Markdown table with a row for each stream and signal.</summary>
    public static string Table(IReadOnlyList<StreamOutcome> outcomes)
    {
        ArgumentNullException.ThrowIfNull(outcomes);
        var text = new StringBuilder("| Stream | Faces | Signal | Largest PSI | Largest KS | Warns after | Alerts after |\n|---|---:|---|---:|---:|---:|---:|\n");
        foreach (var outcome in outcomes)
        {
            foreach (var signal in outcome.Signals)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {outcome.Name} | {outcome.Faces:N0} | {signal.Signal} | {signal.LargestPsi:0.000} | {signal.LargestKs:0.000} | {Faces(signal.WarnsAfter)} | {Faces(signal.AlertsAfter)} |\n");
            }
        }

        return text.ToString();
    }

    private static string Faces(long? count) => count?.ToString("N0", CultureInfo.InvariantCulture) ?? "never";

    private static List<DriftSample> Draw(IReadOnlyList<DriftSample> samples, int count, ref SeededRandom random)
    {
        var drawn = new List<DriftSample>(count);
        for (var i = 0; i < count; i++)
        {
            drawn.Add(samples[random.NextInt32(samples.Count)]);
        }

        return drawn;
    }

    private sealed class Track
    {
        private double _psi;
        private double _ks;
        private long? _warn;
        private long? _alert;

        public void Note(SignalStatus status)
        {
            _psi = Math.Max(_psi, status.Psi);
            _ks = Math.Max(_ks, status.Ks ?? 0);
        }

        // What was said before the change is a false alarm, and shows as a negative number.
        public void Note(DriftLevelChanged change, int changedAt)
        {
            if (change.To >= DriftLevel.Warn)
            {
                _warn ??= change.Samples - changedAt;
            }

            if (change.To == DriftLevel.Alert)
            {
                _alert ??= change.Samples - changedAt;
            }
        }

        public SignalOutcome Outcome(DriftSignal signal) => new(signal, _psi, _ks, _warn, _alert);
    }
}

/// <param name="Name">What was done.</param>
/// <param name="Faces">Length of the stream.</param>
/// <param name="ChangedAt">Faces before the change; null where there was none.</param>
/// <param name="Signals">What was seen of each signal.</param>
public sealed record StreamOutcome(string Name, int Faces, int? ChangedAt, IReadOnlyList<SignalOutcome> Signals)
{
    /// <summary>Faces from the change on until the first signal alerted; null where none did.</summary>
    public long? AlertsAfter => Signals.Min(signal => signal.AlertsAfter);
}

/// <param name="Signal">Which.</param>
/// <param name="LargestPsi">Largest population stability index over the stream.</param>
/// <param name="LargestKs">Largest Kolmogorov-Smirnov distance; 0 where it has none.</param>
/// <param name="WarnsAfter">Faces from the change (or the start) on until it warned or alerted; negative where it did so before the change.</param>
/// <param name="AlertsAfter">The same until it alerted.</param>
public sealed record SignalOutcome(DriftSignal Signal, double LargestPsi, double LargestKs, long? WarnsAfter, long? AlertsAfter);
