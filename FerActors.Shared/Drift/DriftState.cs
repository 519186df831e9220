using FerActors.Shared.Options;

namespace FerActors.Shared.Drift;

/// <summary>Watches a stream of classified faces for drift from a reference. Has no clock and no actor: one thread at a time.</summary>
public sealed class DriftState
{
    private readonly SignalWatch[] _watches;
    private long _samples;

    public DriftState(DriftReference reference, DriftOptions options)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(options);
        _watches = [.. DriftSignals.All
            .Where(signal => !signal.IsOptional() || reference.Signals.ContainsKey(signal))
            .Select(signal => new SignalWatch(signal, reference.Signals.GetValueOrDefault(signal), options))];
    }

    /// <summary>Where every signal stands.</summary>
    public IReadOnlyList<SignalStatus> Signals => [.. _watches.Select(watch => watch.Status)];

    /// <summary>The highest level of a signal.</summary>
    public DriftLevel Level => _watches.Max(watch => watch.Level);

    /// <summary>Faces seen.</summary>
    public long Samples => _samples;

    /// <summary>Takes the next face into the window.</summary>
    /// <returns>The signals whose level it changed; most often none.</returns>
    public IReadOnlyList<DriftLevelChanged> Observe(DriftSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        _samples++;
        List<DriftLevelChanged>? changes = null;
        foreach (var watch in _watches)
        {
            var before = watch.Level;
            if (watch.Observe(sample.Value(watch.Signal)))
            {
                (changes ??= []).Add(new DriftLevelChanged(watch.Signal, before, watch.Level, watch.Status.Psi, watch.Status.Ks, _samples));
            }
        }

        return changes ?? (IReadOnlyList<DriftLevelChanged>)[];
    }

    // One signal: learns its reference where it has none, then compares the window with it.
    private sealed class SignalWatch(DriftSignal signal, SignalReference? reference, DriftOptions options)
    {
        private SlidingHistogram? _window = reference is null ? null : new SlidingHistogram(reference, options.Window);
        private List<double>? _learning = reference is null ? [] : null;

        public DriftSignal Signal => signal;

        public DriftLevel Level { get; private set; }

        public SignalStatus Status => new(
            signal, Level, _window?.Psi() ?? 0, HasKs ? _window?.Ks() ?? 0 : null, _window?.Count ?? 0, _learning?.Count ?? 0, Judged);

        private bool HasKs => signal != DriftSignal.PredictionMix;

        private bool Judged => _window is { } window && window.Count >= options.MinSamples;

        public bool Observe(double? value)
        {
            if (value is not { } known || !double.IsFinite(known))
            {
                return false;
            }

            if (_window is null)
            {
                Learn(known);
                return false;
            }

            _window.Add(known);
            if (!Judged)
            {
                return false;
            }

            var before = Level;
            Level = Next(_window.Psi(), HasKs ? _window.Ks() : 0);
            return Level != before;
        }

        private void Learn(double value)
        {
            _learning!.Add(value);
            if (_learning.Count == options.SelfReference)
            {
                _window = new SlidingHistogram(SignalReference.OfValues(_learning), options.Window);
                _learning = null;
            }
        }

        // A level is reached at its thresholds and left below a share of them.
        private DriftLevel Next(double psi, double ks)
        {
            bool Reaches(DriftLevel level, double psiAt, double ksAt)
            {
                var share = Level >= level ? options.Release : 1;
                return psi >= psiAt * share || ks >= ksAt * share;
            }

            if (Reaches(DriftLevel.Alert, options.PsiAlert, options.KsAlert))
            {
                return DriftLevel.Alert;
            }

            return Reaches(DriftLevel.Warn, options.PsiWarn, options.KsWarn) ? DriftLevel.Warn : DriftLevel.Ok;
        }
    }
}

/// <param name="Signal">Which.</param>
/// <param name="Level">How far it has moved.</param>
/// <param name="Psi">Population stability index of the window against the reference.</param>
/// <param name="Ks">Kolmogorov-Smirnov distance; null where the signal has none.</param>
/// <param name="Window">Values in the window.</param>
/// <param name="Learning">Values gathered of a reference that is still being learnt.</param>
/// <param name="Judged">Whether the window holds enough values to be judged.</param>
public sealed record SignalStatus(DriftSignal Signal, DriftLevel Level, double Psi, double? Ks, int Window, int Learning, bool Judged);

/// <param name="Signal">Which.</param>
/// <param name="From">Its level before.</param>
/// <param name="To">Its level from this face on.</param>
/// <param name="Psi">Population stability index.</param>
/// <param name="Ks">Kolmogorov-Smirnov distance; null where the signal has none.</param>
/// <param name="Samples">Faces seen so far.</param>
public sealed record DriftLevelChanged(DriftSignal Signal, DriftLevel From, DriftLevel To, double Psi, double? Ks, long Samples);
