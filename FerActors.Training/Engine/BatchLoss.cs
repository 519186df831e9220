using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>The share that some of a batch's images have in its mean loss: their input, their pass through the model, teachers and targets.</summary>
/// <param name="options">The run's options.</param>
/// <param name="layers">The model's encoder layers.</param>
/// <param name="input">Makes the model's input, at the side of the epoch.</param>
/// <param name="teachers">Asked where the batch brings no answers of theirs; <see langword="null"/> leaves them out.</param>
/// <param name="criterion">The loss.</param>
/// <param name="device">Where the model is.</param>
internal sealed class BatchLoss(
    TrainingOptions options, int layers, ModelInput input, TeacherEnsemble? teachers, TrainingLoss criterion, Device device)
{
    /// <summary>Computes the share of some images.</summary>
    /// <param name="model">The model, or a part's own leaves of it.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="first">The first image.</param>
    /// <param name="count">How many.</param>
    /// <param name="step">The step, for the draws of stochastic depth.</param>
    /// <param name="compute">Type of the matrix products.</param>
    /// <returns>A scalar; the shares of all images add up to the batch's mean loss.</returns>
    public Tensor Of(Vit model, TrainingBatch batch, int first, int count, long step, ScalarType compute)
    {
        const int Area = FerDataset.Side * FerDataset.Side;
        const int Classes = ExpressionNames.Count;
        var pixels = tensor(
            batch.Pixels.AsSpan(first * Area, count * Area).ToArray(), [count, 1, FerDataset.Side, FerDataset.Side], device: device);
        var targets = tensor(batch.Targets.AsSpan(first * Classes, count * Classes).ToArray(), [count, Classes], device: device);
        var answers = batch.Teachers is { } given
            ? tensor(given.AsSpan(first * Classes, count * Classes).ToArray(), [count, Classes], device: device)
            : teachers?.Probabilities(pixels, options.Distillation.Temperature);
        var logits = model.Forward(input.From(pixels), new VitForwardOptions(compute, DropPath(step, first, count)) { AnySide = true });
        return criterion.Of(logits, targets, answers).Times((double)count / options.BatchSize);
    }

    // Drawn for the whole batch, so that the draws do not depend on the parts in which it is computed.
    private Func<int, Tensor?>? DropPath(long step, int first, int count)
    {
        if (options.DropPath == 0)
        {
            return null;
        }

        return layer =>
        {
            var rate = options.DropPath * (layer + 1) / layers;
            var random = SeededRandom.For((ulong)options.Seed, RandomPurpose.Network, layer, (int)step);
            var keep = new float[options.BatchSize];
            for (var i = 0; i < keep.Length; i++)
            {
                keep[i] = random.NextDouble() < rate ? 0f : (float)(1 / (1 - rate));
            }

            return tensor(keep.AsSpan(first, count).ToArray(), [count, 1, 1], device: device);
        };
    }
}
