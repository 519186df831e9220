using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>Makes batch normalisation part of the convolutions before it, and takes it out of them again.</summary>
/// <remarks>
/// With fixed statistics it is a factor and an offset for each channel, and so is a convolution's weight and bias. The result is one
/// operation for two, and a face's answer no longer depends on the others of its batch. Training goes on better with norms, though, so
/// that a folded model which is to be trained further gets them back.
/// </remarks>
public static class StemFolding
{
    // For a channel that is all zeros, which stays so.
    private const double LeastLength = 1e-6;

    /// <summary>A model of its own without norms in its stem; the other weights are copied.</summary>
    /// <param name="model">A model whose stem has <see cref="StemNorm.Batch"/>; remains the caller's.</param>
    /// <param name="statistics">Statistics that were measured with it.</param>
    /// <exception cref="ArgumentException">The stem has no batch normalisation, or nothing was measured.</exception>
    public static Vit Fold(Vit model, StemStatistics statistics)
    {
        var stem = StemWith(StemNorm.Batch, model, statistics, "The model's stem has no batch normalisation.");
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

        return WithStem(model, stem with { Norm = StemNorm.None }, tensors);
    }

    /// <summary>
    /// A model of its own with batch normalisation in its stem, which answers as the folded one does where the batch's statistics are those
    /// measured; the other weights are copied.
    /// </summary>
    /// <remarks>
    /// A norm takes away by which factor its convolution's weights are larger or smaller, so that this is free. Each channel gets the length
    /// that a fresh one has (<see cref="Vit.Create"/>): a learning rate then turns it as far as it would in training from scratch.
    /// </remarks>
    /// <param name="model">A model whose stem has <see cref="StemNorm.None"/>; remains the caller's.</param>
    /// <param name="statistics">Statistics that were measured with it.</param>
    /// <exception cref="ArgumentException">The stem has norms or there is none, or nothing was measured.</exception>
    public static Vit Unfold(Vit model, StemStatistics statistics)
    {
        var stem = StemWith(StemNorm.None, model, statistics, "The model has no stem whose norms were folded away.");
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var tensors = model.Tensors.ToDictionary(t => t.Key, t => t.Value.detach());
        foreach (var conv in stem.Convolutions(model.Config.NumChannels))
        {
            string Name(bool norm, string name) => CheckpointKeys.InStem(conv.Stage, conv.Place, norm, name);

            var (mean, variance) = statistics[conv];
            var type = model.DType;
            var weight = tensors[Name(norm: false, "weight")].to(ScalarType.Float32);
            var length = weight.flatten(1).square().sum(1).sqrt().Add(LeastLength);
            var factor = length.reciprocal().Times(Math.Sqrt(2.0 * conv.Inputs / conv.Outputs));
            tensors.Remove(Name(norm: false, "bias"));
            tensors[Name(norm: false, "weight")] = (weight * factor.view(-1, 1, 1, 1)).to(type);
            tensors[Name(norm: true, "weight")] = ((variance * factor.square()).Add(Vit.StemNormEps).sqrt() / factor).to(type);
            tensors[Name(norm: true, "bias")] = mean.to(type);
        }

        return WithStem(model, stem with { Norm = StemNorm.Batch }, tensors);
    }

    private static Vit WithStem(Vit model, ConvStemConfig stem, Dictionary<string, Tensor> tensors) => Vit.FromTensors(
        model.Config with { ConvStem = stem }, tensors.ToDictionary(t => t.Key, t => t.Value.clone().DetachFromDisposeScope()));

    private static ConvStemConfig StemWith(StemNorm norm, Vit model, StemStatistics statistics, string otherwise)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(statistics);
        if (model.Config.ConvStem is not { } stem || stem.Norm != norm)
        {
            throw new ArgumentException(otherwise, nameof(model));
        }

        return statistics.IsMeasured ? stem : throw new ArgumentException("No batch was measured.", nameof(statistics));
    }
}
