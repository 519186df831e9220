using System.Globalization;
using FerActors.Vision.Checkpoints;

namespace FerActors.Training.Engine;

/// <summary>Layer-wise decay of the learning rate, as in BEiT (Bao et al. 2021) and before it ULMFiT (Howard and Ruder 2018).</summary>
/// <remarks>
/// The lower layers of a pre-trained network hold what is common to all pictures, and fine-tuning moves them less. A network of L
/// encoder layers has L + 2 depths: 0 is the embeddings, i + 1 is encoder layer i, L + 1 is the last norm and the classifier, whose
/// factor is 1.
/// </remarks>
public static class LayerRates
{
    private const string EncoderPrefix = "vit.encoder.layer.";

    /// <summary>Depth of a tensor.</summary>
    /// <param name="name">Its legacy Hugging Face name.</param>
    /// <param name="layers">Encoder layers of the network.</param>
    public static int Depth(string name, int layers)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.StartsWith(CheckpointKeys.Embeddings, StringComparison.Ordinal))
        {
            return 0;
        }

        if (!name.StartsWith(EncoderPrefix, StringComparison.Ordinal))
        {
            return layers + 1;
        }

        var rest = name.AsSpan(EncoderPrefix.Length);
        return int.Parse(rest[..rest.IndexOf('.')], NumberStyles.None, CultureInfo.InvariantCulture) + 1;
    }

    /// <summary>What the learning rate of a tensor is multiplied by, in (0, 1].</summary>
    /// <param name="name">Its legacy Hugging Face name.</param>
    /// <param name="layers">Encoder layers of the network.</param>
    /// <param name="decay">Factor from one depth to the one below, in (0, 1].</param>
    public static double Factor(string name, int layers, double decay) => Math.Pow(decay, layers + 1 - Depth(name, layers));
}
