using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>Mean and variance of what each convolution of a stem makes, over some batches.</summary>
/// <remarks>
/// Batch normalisation needs them once training is over. They are measured anew with the finished weights rather than carried along
/// while the weights still move (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3): the weights that are shipped are a
/// moving average that never saw a training step, so that statistics carried along would not be its own.
/// </remarks>
public sealed class StemStatistics : IDisposable
{
    private readonly Dictionary<(int Stage, int Place), (Tensor Mean, Tensor Variance)> _layers = [];
    private int _batches;

    /// <param name="config">The model's configuration, with a stem.</param>
    /// <param name="device">Where the model is.</param>
    public StemStatistics(VitConfig config, Device device)
    {
        ArgumentNullException.ThrowIfNull(config);
        foreach (var conv in config.ConvStem?.Convolutions(config.NumChannels) ?? throw new ArgumentException("The model has no stem.", nameof(config)))
        {
            _layers[(conv.Stage, conv.Place)] = (
                zeros([conv.Outputs], ScalarType.Float32, device).DetachFromDisposeScope(),
                ones([conv.Outputs], ScalarType.Float32, device).DetachFromDisposeScope());
        }
    }

    /// <summary>The mean of each channel, fp32 [channels], and its variance.</summary>
    internal (Tensor Mean, Tensor Variance) this[StemConvolution conv] => _layers[(conv.Stage, conv.Place)];

    /// <summary>The share of the batch under way in the mean of all so far, which makes that mean exact.</summary>
    internal double Momentum => 1.0 / _batches;

    /// <summary>Whether a batch was seen.</summary>
    internal bool IsMeasured => _batches > 0;

    /// <summary>Takes what a convolution without a norm made of the batch under way, [batch, channels, rows, columns].</summary>
    internal void See(StemConvolution conv, Tensor made)
    {
        // The function updates the statistics that it is given; what it returns is not wanted.
        var (mean, variance) = this[conv];
        using var normalised = nn.functional.batch_norm(made, mean, variance, training: true, momentum: Momentum, eps: Vit.StemNormEps);
    }

    /// <summary>Passes one more batch through the model; its statistics count as much as those of each one before.</summary>
    /// <param name="model">A model whose stem has <see cref="StemNorm.Batch"/> or, where its norms have been folded away, <see cref="StemNorm.None"/>.</param>
    /// <param name="pixels">Normalised images, fp32 [batch, channels, side, side].</param>
    /// <param name="computeType">Type of the convolutions; <see langword="null"/> is that of the weights.</param>
    public void Measure(Vit model, Tensor pixels, ScalarType? computeType = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var noGrad = no_grad();
        _batches++;
        using var logits = model.Forward(pixels, new VitForwardOptions(computeType, null) { StemStatistics = this });
    }

    public void Dispose()
    {
        foreach (var (mean, variance) in _layers.Values)
        {
            mean.Dispose();
            variance.Dispose();
        }
    }
}
