using FerActors.Vision.Checkpoints;

namespace FerActors.Training.Engine;

/// <summary>Which tensors of a network are kept as they are.</summary>
public static class Freezing
{
    /// <summary>All weights are trained.</summary>
    public const string None = "none";

    /// <summary>The classifier alone is trained.</summary>
    public const string Body = "body";

    /// <summary>The embeddings and the first encoder layers are frozen.</summary>
    public const string FirstLayers = "first_n_layers";

    public static IReadOnlyList<string> Names { get; } = [None, Body, FirstLayers];

    /// <summary>Whether a tensor is frozen.</summary>
    /// <param name="options">How much is frozen.</param>
    /// <param name="name">The tensor's legacy Hugging Face name.</param>
    /// <param name="layers">Encoder layers of the network.</param>
    public static bool IsFrozen(TrainingOptions options, string name, int layers)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(name);
        return options.Freeze switch
        {
            Body => !name.StartsWith(CheckpointKeys.Classifier, StringComparison.Ordinal),
            FirstLayers => LayerRates.Depth(name, layers) <= options.FreezeLayers,
            _ => false,
        };
    }
}
