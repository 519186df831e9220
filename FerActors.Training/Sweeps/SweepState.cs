using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace FerActors.Training.Sweeps;

/// <summary>One trial of a sweep.</summary>
/// <param name="Trial">From 0.</param>
/// <param name="Values">The options that vary.</param>
/// <param name="Curve">The metric after each epoch.</param>
/// <param name="Outcome">How it stands.</param>
/// <param name="Error">Why it failed.</param>
public sealed record SweepTrial(int Trial, JsonObject Values, ImmutableList<double> Curve, TrialOutcome Outcome, string? Error)
{
    /// <summary>The metric after the last epoch, whose weights a run keeps; none where no epoch ended.</summary>
    public double? Value => Curve.IsEmpty ? null : Curve[^1];
}

/// <summary>A sweep as pure state: what is decided from what happened.</summary>
/// <param name="Space">What was declared.</param>
/// <param name="Trials">Those begun, by number.</param>
public sealed record SweepState(SweepSpace Space, ImmutableSortedDictionary<int, SweepTrial> Trials)
{
    public static SweepState Begin(SweepSpace space) => new(space, ImmutableSortedDictionary<int, SweepTrial>.Empty);

    /// <summary>The best trials first. Failed ones, and those stopped early, come after those that ran to their end.</summary>
    public IReadOnlyList<SweepTrial> Ranking => [.. Trials.Values
        .OrderBy(trial => trial.Outcome)
        .ThenByDescending(trial => trial.Value is { } value && !double.IsNaN(value) ? Gain(value) : double.NegativeInfinity)];

    /// <exception cref="InvalidDataException">The event cannot follow what happened before.</exception>
    public SweepState Apply(SweepEvent happened) => happened switch
    {
        SweepEvent.Declared declared => declared.Space == Space.Source
            ? this
            : throw new InvalidDataException("The folder holds a sweep over another space. Continue it with its own file, or choose another folder."),

        // A trial that is begun again goes on behind its last checkpoint, so the epochs that it reported are not all reported again.
        SweepEvent.Started started => With(Trials.TryGetValue(started.Trial, out var known)
            ? known with { Outcome = TrialOutcome.Running, Error = null }
            : new SweepTrial(started.Trial, started.Values, [], TrialOutcome.Running, null)),
        SweepEvent.Reported reported => With(Report(Get(reported.Trial), reported)),
        SweepEvent.Ended ended => With(Get(ended.Trial) with { Outcome = ended.Outcome, Error = ended.Error }),
        _ => throw new ArgumentOutOfRangeException(nameof(happened)),
    };

    /// <summary>Whether a running trial should go on after its last report.</summary>
    public bool ShouldGoOn(int trial) => Space.EarlyStopping is not { } rule || !rule.ShouldStop(
        Gains(Get(trial)),
        [.. Trials.Values.Where(other => other.Trial != trial && other.Outcome == TrialOutcome.Finished).Select(Gains)]);

    /// <summary>Whether a trial needs no more work.</summary>
    public bool IsDone(int trial) => Trials.TryGetValue(trial, out var known) && known.Outcome != TrialOutcome.Running;

    private static SweepTrial Report(SweepTrial trial, SweepEvent.Reported reported)
    {
        var index = reported.Epoch - 1;
        if (index < 0 || index > trial.Curve.Count)
        {
            throw new InvalidDataException($"Trial {trial.Trial} reports epoch {reported.Epoch} after {trial.Curve.Count}.");
        }

        return trial with { Curve = index < trial.Curve.Count ? trial.Curve.SetItem(index, reported.Value) : trial.Curve.Add(reported.Value) };
    }

    private double Gain(double value) => Space.Metric == SweepMetric.ValidationLoss ? -value : value;

    private List<double> Gains(SweepTrial trial) => [.. trial.Curve.Select(Gain)];

    private SweepTrial Get(int trial) =>
        Trials.TryGetValue(trial, out var known) ? known : throw new InvalidDataException($"Trial {trial} was never begun.");

    private SweepState With(SweepTrial trial) => this with { Trials = Trials.SetItem(trial.Trial, trial) };
}
