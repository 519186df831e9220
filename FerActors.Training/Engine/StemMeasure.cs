using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Folds the batch normalisation of a stem away, and puts it back, with statistics of some of an epoch's images.</summary>
/// <remarks>
/// The images are augmented but not mixed: in training each batch had its own statistics, so that those of unmixed batches are what unmixed
/// images met.
/// </remarks>
/// <param name="feeder">Makes the batches under other options than the run's.</param>
/// <param name="options">The run's options.</param>
/// <param name="input">Makes the model's input, at its own side.</param>
/// <param name="device">Where the model is.</param>
/// <param name="cancellation">Ends the measuring.</param>
internal sealed class StemMeasure(
    Func<TrainingOptions, BatchFeeder> feeder, TrainingOptions options, ModelInput input, Device device, CancellationToken cancellation)
{
    // Each has some hundred thousand places to average over; more batches change the fourth digit.
    private const int Batches = 16;

    /// <summary>The model as it would be shipped; its own where its stem has no batch normalisation.</summary>
    /// <param name="model">Given away.</param>
    /// <param name="epoch">From 1.</param>
    /// <param name="compute">Type of the convolutions.</param>
    public Vit Folded(Vit model, int epoch, ScalarType compute)
    {
        if (model.Config.ConvStem is not { Norm: StemNorm.Batch })
        {
            return model;
        }

        using (model)
        using (var statistics = Of(model, epoch, compute))
        {
            return StemFolding.Fold(model, statistics);
        }
    }

    /// <summary>The model with the norms that were folded into its stem; <see langword="null"/> where there are none, or where the stem is frozen.</summary>
    /// <param name="model">Remains the caller's.</param>
    public Vit? Unfolded(Vit model)
    {
        if (model.Config.ConvStem is not { Norm: StemNorm.None } || options.Freeze != Freezing.None)
        {
            return null;
        }

        using var statistics = Of(model, epoch: 1, ScalarType.Float32);
        return StemFolding.Unfold(model, statistics);
    }

    private StemStatistics Of(Vit model, int epoch, ScalarType compute)
    {
        var statistics = new StemStatistics(model.Config, device);
        try
        {
            foreach (var batch in feeder(options with { Mix = MixOptions.None }).ReadEpoch(epoch - 1, 0, cancellation).Take(Batches))
            {
                using var scope = NewDisposeScope();
                var pixels = tensor(batch.Pixels, [options.BatchSize, 1, FerDataset.Side, FerDataset.Side], device: device);
                statistics.Measure(model, input.From(pixels), compute);
            }

            return statistics;
        }
        catch
        {
            statistics.Dispose();
            throw;
        }
    }
}
