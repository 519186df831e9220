using System.Text.Json;

namespace FerActors.Training.Engine;

/// <summary>How far a run has come: with the vectors of a checkpoint and the options, all that the rest of the run depends on.</summary>
/// <remarks>
/// There is no state of a random generator in it: every draw (order, augmentation, mixup, stochastic depth) is a function of the
/// seed and of the position, so that a resumed run makes the very draws that an undisturbed one would have made.
/// </remarks>
/// <param name="OptionsJson">The options that the run was started with.</param>
/// <param name="DataSha256">Hash of the training images and labels.</param>
/// <param name="Epoch">Epochs completed.</param>
/// <param name="Batch">Batches completed of the epoch under way.</param>
/// <param name="Step">Optimiser steps completed.</param>
/// <param name="LossSum">Sum of the batch losses of the epoch under way.</param>
/// <param name="Seconds">Training time so far.</param>
/// <param name="History">The completed epochs.</param>
public sealed record RunState(
    string OptionsJson, string DataSha256, int Epoch, int Batch, long Step, double LossSum, double Seconds, IReadOnlyList<EpochRecord> History)
{
    /// <summary>
    /// SHA-256 of the weights file that the run starts from (empty for random weights), then of each teacher's, then of the votes where the
    /// run learns from them (<see cref="Data.FerDataset.VotesSha256"/>).
    /// </summary>
    public IReadOnlyList<string> SourceSha256 { get; init; } = [];

    /// <summary>In which types the run has computed; more than one where it was continued on another kind of machine.</summary>
    public IReadOnlyList<string>? ComputeTypes { get; init; }

    /// <summary>On which devices the run has computed; more than one where it was continued on another.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, TrainingJsonContext.Default.RunState);

    /// <exception cref="JsonException">The text is not a run's state.</exception>
    public static RunState FromJson(string json) =>
        JsonSerializer.Deserialize(json, TrainingJsonContext.Default.RunState) ?? throw new JsonException("The run's state is null.");
}
