namespace FerActors.Training.Engine;

/// <summary>Weights of the classes in the loss, so that the rare ones are not drowned.</summary>
public static class ClassWeighting
{
    /// <summary>Every image counts as much.</summary>
    public const string None = "none";

    /// <summary>Images / (classes x images of the class): every class counts as much, and the mean over all images is 1.</summary>
    public const string InverseFrequency = "inverse_frequency";

    /// <summary>
    /// (1 - beta) / (1 - beta^images of the class), scaled so that the weights' mean over the classes is 1 (Cui et al., "Class-Balanced
    /// Loss Based on Effective Number of Samples", 2019).
    /// </summary>
    public const string EffectiveNumber = "effective_number";

    public static IReadOnlyList<string> Names { get; } = [None, InverseFrequency, EffectiveNumber];

    /// <summary>The weights, in the order of the histogram; a class without images has none of the loss, and weight 0.</summary>
    /// <param name="method">One of <see cref="Names"/>.</param>
    /// <param name="histogram">Images of each class.</param>
    /// <param name="beta">Of <see cref="EffectiveNumber"/>, in [0, 1); 0 is no weighting, towards 1 it becomes the inverse frequency.</param>
    /// <returns><see langword="null"/> for <see cref="None"/>.</returns>
    public static float[]? Weights(string method, IReadOnlyList<int> histogram, double beta)
    {
        ArgumentNullException.ThrowIfNull(histogram);
        var present = histogram.Count(n => n > 0);
        double[] raw = method switch
        {
            InverseFrequency => [.. histogram.Select(n => n == 0 ? 0 : (double)histogram.Sum() / present / n)],
            EffectiveNumber => [.. histogram.Select(n => n == 0 ? 0 : (1 - beta) / (1 - Math.Pow(beta, n)))],
            _ => [],
        };
        if (raw.Length == 0)
        {
            return null;
        }

        var scale = method == EffectiveNumber ? present / raw.Sum() : 1;
        return [.. raw.Select(w => (float)(w * scale))];
    }
}
