using FerActors.Shared.Registry;

namespace FerActors.Shared.Training;

/// <summary>A run's way from the queue to a model version.</summary>
public enum RunState
{
    Submitted = 0,
    Preparing = 1,
    Running = 2,
    Evaluating = 3,
    Registered = 4,
    Failed = 5,
    Cancelled = 6,
    Paused = 7,
}

/// <summary>What a run's worker was asked to stop for.</summary>
public enum StopWish
{
    None = 0,
    Pause = 1,
    Cancel = 2,
}

/// <summary>What a run is asked to do.</summary>
/// <param name="Id">Given by the client.</param>
/// <param name="Name">For people.</param>
/// <param name="OptionsJson">The training options, as JSON.</param>
/// <param name="DataPath">The data, as every training node sees it.</param>
/// <param name="InitFrom">Weights to begin with; <see langword="null"/> begins from random ones.</param>
/// <param name="Priority">Higher ones run first; equal ones in the order of their submission.</param>
/// <param name="ModelVersion">The version that the result is registered as.</param>
public sealed record RunSpec(
    RunId Id, string Name, string OptionsJson, string DataPath, string? InitFrom, int Priority, ModelVersionId ModelVersion)
{
    /// <summary>The votes beside the data, as every training node sees them; <see langword="null"/> for none.</summary>
    public string? VotesPath { get; init; }

    /// <summary>Share of each class's training images that judge the model, where the data have no validation images: 0 for none.</summary>
    public double HoldOut { get; init; }

    /// <summary>Which training images are held out.</summary>
    public int HoldOutSeed { get; init; }

    /// <summary>What the folders of an image folder's classes are called; <see langword="null"/> for their names.</summary>
    public string? FolderLabels { get; init; }

    /// <summary>Where the run computes: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>; <see langword="null"/> leaves it to the node.</summary>
    public string? Device { get; init; }
}

/// <summary>A finished epoch.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Step">Optimiser steps done at its end.</param>
/// <param name="TrainLoss">Mean training loss.</param>
/// <param name="Accuracy">On the validation images, in [0, 1].</param>
/// <param name="MacroF1">Likewise.</param>
public sealed record EpochMetrics(int Epoch, long Step, double TrainLoss, double Accuracy, double MacroF1);

/// <summary>Where a worker stands; not persisted.</summary>
/// <param name="Epoch">Under way, from 1.</param>
/// <param name="Epochs">All of them.</param>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="Steps">All of them.</param>
/// <param name="Loss">Mean training loss of the epoch so far.</param>
/// <param name="ImagesPerSecond">Speed since the last report.</param>
/// <param name="EtaSeconds">Estimated seconds to the last step; negative where unknown.</param>
public sealed record RunProgress(int Epoch, int Epochs, long Step, long Steps, double Loss, double ImagesPerSecond, double EtaSeconds);

/// <summary>One run, as the supervisor knows it.</summary>
/// <param name="Spec">What was asked.</param>
/// <param name="State">How far it is.</param>
/// <param name="Order">Position in the order of submissions.</param>
/// <param name="SubmittedAt">When it came.</param>
/// <param name="ChangedAt">Begin of the state.</param>
public sealed record TrainingRun(RunSpec Spec, RunState State, long Order, DateTimeOffset SubmittedAt, DateTimeOffset ChangedAt)
{
    /// <summary>What its worker was asked to stop for.</summary>
    public StopWish Wish { get; init; }

    /// <summary>The node that carries it out; set exactly while <see cref="Occupies"/>.</summary>
    public string? Node { get; init; }

    /// <summary>Counts the assignments to a node; a report of an earlier attempt is void.</summary>
    public int Attempt { get; init; }

    /// <summary>Attempts in a row that ended with the loss of their node and without a finished epoch.</summary>
    public int Crashes { get; init; }

    /// <summary>The last finished epoch.</summary>
    public EpochMetrics? LastEpoch { get; init; }

    /// <summary>Why it failed; a sentence.</summary>
    public string? Failure { get; init; }

    /// <summary>The finished model.</summary>
    public string? ModelFolder { get; init; }

    /// <summary>The registry has taken the model.</summary>
    public bool Confirmed { get; init; }

    /// <summary>A worker may be writing the run's folder.</summary>
    public bool Occupies => State is RunState.Preparing or RunState.Running or RunState.Evaluating;

    public bool IsFinal => State is RunState.Registered or RunState.Failed or RunState.Cancelled;

    /// <summary>Its model may still be registered, so that no other run may have the version's name.</summary>
    public bool ReservesVersion => !IsFinal || this is { State: RunState.Registered, Confirmed: false };
}

/// <param name="Run">What is persisted.</param>
/// <param name="Progress">The worker's last word, where one runs.</param>
/// <param name="Refusal">Why the registry has not taken the finished model yet; a sentence.</param>
/// <param name="RefusalIsFinal">The registry will never take it; otherwise the model is offered again.</param>
public sealed record RunView(TrainingRun Run, RunProgress? Progress, string? Refusal = null, bool RefusalIsFinal = false);
