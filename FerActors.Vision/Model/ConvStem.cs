using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>The convolutional stem before the transformer (<see cref="ConvStemConfig"/>): strided 3x3 convolutions, each with its norm and ReLU.</summary>
internal sealed class ConvStem
{
    private readonly StemNorm _norm;
    private readonly Layer[] _layers;
    private readonly StemPrecision _precision;

    public ConvStem(VitConfig config, ConvStemConfig stem)
    {
        _norm = stem.Norm;
        _layers = [.. stem.Convolutions(config.NumChannels).Select(conv => new Layer(conv))];
        _precision = new StemPrecision(config);
    }

    /// <summary>Computes the stem.</summary>
    /// <param name="weights">The network's tensors.</param>
    /// <param name="pixels">Normalised images, [batch, channels, side, side].</param>
    /// <param name="statistics">Takes the statistics of batch normalisation; <see langword="null"/> where nobody wants them.</param>
    /// <returns>[batch, last channels, grid, grid], in the type of the weights.</returns>
    public Tensor Forward(WeightsInType weights, Tensor pixels, StemStatistics? statistics)
    {
        var (convolutions, norms) = _precision.Of(weights, pixels.device_type);
        var x = pixels.to(convolutions.DType);
        var unchanged = x;
        foreach (var layer in _layers)
        {
            if (layer.Conv.OpensBranch)
            {
                unchanged = x;
            }

            x = CpuConvolution.Of(x, convolutions[layer.Weight], convolutions.Find(layer.Bias), layer.Conv.Stride);
            if (_norm != StemNorm.None)
            {
                x = Normalise(norms, layer, x.to(StemPrecision.NormInput(x)), statistics).to(x.dtype);
            }
            else
            {
                statistics?.See(layer.Conv, x.to(StemPrecision.NormInput(x)));
            }

            x = nn.functional.relu(layer.Conv.ClosesBranch ? x.Plus(unchanged) : x);
        }

        return x.to(weights.DType);
    }

    private Tensor Normalise(WeightsInType weights, Layer layer, Tensor x, StemStatistics? statistics)
    {
        var (weight, bias) = (weights[layer.NormWeight], weights[layer.NormBias]);
        if (_norm == StemNorm.Group)
        {
            return nn.functional.group_norm(x, Vit.StemNormGroups, weight, bias, Vit.StemNormEps);
        }

        // The function writes what it saw into the tensors that it is given; the batch at hand is what it computes with.
        var (mean, variance) = statistics?[layer.Conv] ?? (zeros_like(bias), ones_like(weight));
        return nn.functional.batch_norm(
            x, mean, variance, weight, bias, training: true, momentum: statistics?.Momentum ?? 1, eps: Vit.StemNormEps);
    }

    /// <summary>A convolution and the names of its tensors.</summary>
    private sealed class Layer(StemConvolution conv)
    {
        public StemConvolution Conv => conv;

        public string Weight { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "weight");

        public string Bias { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "bias");

        public string NormWeight { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: true, "weight");

        public string NormBias { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: true, "bias");
    }
}
