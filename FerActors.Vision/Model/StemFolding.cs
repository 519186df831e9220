using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>Makes batch normalisation part of the convolutions before it.</summary>
/// <remarks>
/// With fixed statistics it is a factor and an offset for each channel, and so is a convolution's weight and bias. The result is one
/// operation for two, and a face's answer no longer depends on the others of its batch.
/// </remarks>
public static class StemFolding
{
    /// <summary>A model of its own without norms in its stem; the other weights are copied.</summary>
    /// <param name="model">A model whose stem has <see cref="StemNorm.Batch"/>; remains the caller's.</param>
    /// <param name="statistics">Statistics that were measured with it.</param>
    /// <exception cref="ArgumentException">The stem has no batch normalisation, or nothing was measured.</exception>
    public static Vit Fold(Vit model, StemStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(statistics);
        if (model.Config.ConvStem is not { Norm: StemNorm.Batch } stem)
        {
            throw new ArgumentException("The model's stem has no batch normalisation.", nameof(model));
        }

        if (!statistics.IsMeasured)
        {
            throw new ArgumentException("No batch was measured.", nameof(statistics));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var tensors = model.Tensors.ToDictionary(t => t.Key, t => t.Value.detach());
        foreach (var conv in stem.Convolutions(model.Config.NumChannels))
        {
            Tensor Take(bool norm, string name)
            {
                tensors.Remove(CheckpointKeys.InStem(conv.Stage, conv.Place, norm, name), out var tensor);
                return tensor!.to(ScalarType.Float32);
            }

            var (mean, variance) = statistics[conv];
            var type = model.DType;
            var factor = Take(norm: true, "weight") / variance.clone().Add(Vit.StemNormEps).sqrt();
            var bias = Take(norm: true, "bias").Plus((mean * factor).Times(-1));
            var weight = Take(norm: false, "weight") * factor.view(-1, 1, 1, 1);
            tensors[CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "weight")] = weight.to(type);
            tensors[CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "bias")] = bias.to(type);
        }

        return Vit.FromTensors(
            model.Config with { ConvStem = stem with { Norm = StemNorm.None } },
            tensors.ToDictionary(t => t.Key, t => t.Value.clone().DetachFromDisposeScope()));
    }
}
