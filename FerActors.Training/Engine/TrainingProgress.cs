namespace FerActors.Training.Engine;

/// <summary>Where a run stands.</summary>
/// <param name="Epoch">The epoch under way, from 1.</param>
/// <param name="Epochs">All epochs.</param>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="Steps">All steps.</param>
/// <param name="Loss">Mean training loss of the epoch so far.</param>
/// <param name="LearningRate">Of the last step.</param>
/// <param name="ImagesPerSecond">Training speed since the last report.</param>
/// <param name="Validation">Set once an epoch was evaluated.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, long Step, long Steps, double Loss, double LearningRate, double ImagesPerSecond, EpochRecord? Validation)
{
    /// <summary>What a person should know, for example that a damaged checkpoint was passed over; else <see langword="null"/>.</summary>
    public string? Warning { get; init; }
}

/// <summary>One line of a run's history.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Step">Steps done at its end.</param>
/// <param name="TrainLoss">Mean training loss.</param>
/// <param name="LearningRate">At its end.</param>
/// <param name="Accuracy">Of the moving average on the validation images, in [0, 1].</param>
/// <param name="MacroF1">Likewise.</param>
/// <param name="ValidationLoss">Mean negative log-likelihood in nats.</param>
/// <param name="Seconds">Training time since the run began, interruptions left out.</param>
public sealed record EpochRecord(
    int Epoch, long Step, double TrainLoss, double LearningRate, double Accuracy, double MacroF1, double ValidationLoss, double Seconds)
{
    /// <summary>Agreement with the majority of people's votes on the validation images, in [0, 1]; <see langword="null"/> without votes.</summary>
    public double? Agreement { get; init; }
}
