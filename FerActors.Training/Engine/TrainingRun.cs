using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>One run on its way: what it computes with, what changes as it goes on, and whom it tells.</summary>
/// <param name="owned">Disposed with the run.</param>
internal sealed class TrainingRun(OwnedParts owned) : IDisposable
{
    /// <summary>All epochs.</summary>
    public required int Epochs { get; init; }

    public required ComputeThreads Threads { get; init; }

    /// <summary>The type of the matrix products; weights and optimiser are fp32.</summary>
    public required ScalarType ComputeType { get; init; }

    /// <summary>The weights.</summary>
    public required FlatParameters Parameters { get; init; }

    /// <summary>The moving average of the weights, fp32 [n]: what is evaluated and delivered.</summary>
    public required Tensor Average { get; init; }

    public required AdamW Optimizer { get; init; }

    public required LearningRateSchedule Schedule { get; init; }

    /// <summary>Computes a batch's gradients.</summary>
    public required BatchParts Parts { get; init; }

    public required TrainingLoss Criterion { get; init; }

    public required TeacherEnsemble Teachers { get; init; }

    /// <summary>Makes of the weights the model as it would be shipped.</summary>
    public required StemMeasure Stem { get; init; }

    /// <summary>Where the run is saved, with the vectors that belong to its state.</summary>
    public required RunCheckpoint Checkpoint { get; init; }

    public required IReadOnlyDictionary<string, Tensor> Vectors { get; init; }

    public required RunClocks Clocks { get; init; }

    /// <summary>Told how the run goes.</summary>
    public required IProgress<TrainingProgress>? Progress { get; init; }

    public required CancellationToken Cancellation { get; init; }

    /// <summary>Makes the batches; another one once the teachers have answered beforehand.</summary>
    public required BatchFeeder Feeder { get; set; }

    /// <summary>How far the run has come.</summary>
    public required RunState State { get; set; }

    /// <summary>The model of the averaged weights as it would be shipped.</summary>
    /// <param name="epoch">The epoch whose images are the statistics of a stem's norms, from 1.</param>
    public Vit Finished(int epoch) => Stem.Folded(Parameters.CopyWith(Average, ScalarType.Float32), epoch, ComputeType);

    /// <summary>Writes a checkpoint.</summary>
    public void Save()
    {
        Checkpoint.Save(State, Vectors);
        Clocks.RestartCheckpoints();
    }

    /// <summary>Says what a person should know, if anything.</summary>
    public void Warn(string? sentence)
    {
        if (sentence is not null)
        {
            Progress?.Report(Standing(0, 0, null) with { Warning = sentence });
        }
    }

    /// <summary>Says how far the run has come.</summary>
    /// <param name="rate">Learning rate of the last step.</param>
    /// <param name="speed">Images per second.</param>
    /// <param name="record">The epoch that ends here.</param>
    public void Report(double rate, double speed, EpochRecord? record = null) => Progress?.Report(Standing(rate, speed, record));

    public void Dispose() => owned.Dispose();

    private TrainingProgress Standing(double rate, double speed, EpochRecord? record) => new(
        State.Epoch + 1, Epochs, State.Step, Schedule.TotalSteps, State.LossSum / Math.Max(1, State.Batch), rate, speed, record);
}
