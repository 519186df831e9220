namespace FerActors.Shared.Drift;

/// <summary>Where a model's embeddings (its class token after the last norm) lie where nothing has drifted: one mean and one deviation a component.</summary>
/// <param name="Mean">Means.</param>
/// <param name="Deviation">Standard deviations, above 0, as many.</param>
public sealed record EmbeddingReference(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>Longest embedding.</summary>
    public const int MaxLength = 2048;

    // A component that never moved in the reference must not decide alone.
    private const double SmallestDeviation = 1e-4;

    /// <summary>Makes the reference of embeddings of one length.</summary>
    /// <exception cref="ArgumentException">There are none, or they differ in length, or a value is not finite.</exception>
    public static EmbeddingReference Of(IReadOnlyList<float[]> embeddings)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        if (embeddings.Count == 0 || embeddings.Any(e => e.Length != embeddings[0].Length || !e.All(float.IsFinite)))
        {
            throw new ArgumentException("A reference is made of at least one embedding; all have one length and finite values.", nameof(embeddings));
        }

        var length = embeddings[0].Length;
        var (mean, squares) = (new double[length], new double[length]);
        foreach (var embedding in embeddings)
        {
            for (var i = 0; i < length; i++)
            {
                mean[i] += embedding[i] / (double)embeddings.Count;
            }
        }

        foreach (var embedding in embeddings)
        {
            for (var i = 0; i < length; i++)
            {
                squares[i] += (embedding[i] - mean[i]) * (embedding[i] - mean[i]) / embeddings.Count;
            }
        }

        return new EmbeddingReference(
            [.. mean.Select(value => (float)value)], [.. squares.Select(value => (float)Math.Max(Math.Sqrt(value), SmallestDeviation))]);
    }

    /// <summary>
    /// Mahalanobis' distance from the mean with a diagonal covariance, divided by the square root of the length: about 1 for a usual
    /// face, whatever the length.
    /// </summary>
    /// <returns><see langword="null"/> for an embedding of another length or with a value that is not finite.</returns>
    public double? Distance(ReadOnlySpan<float> embedding)
    {
        if (embedding.Length != Mean.Count)
        {
            return null;
        }

        var sum = 0.0;
        for (var i = 0; i < embedding.Length; i++)
        {
            var moved = (embedding[i] - Mean[i]) / (double)Deviation[i];
            sum += moved * moved;
        }

        return double.IsFinite(sum) ? Math.Sqrt(sum / embedding.Length) : null;
    }

    /// <summary>What is wrong with it, as a sentence; null where nothing is.</summary>
    public string? Fault() =>
        Mean is null || Deviation is null || Mean.Count is < 1 or > MaxLength || Mean.Count != Deviation.Count
            ? $"it needs 1 to {MaxLength} means and as many deviations"
            : Mean.All(float.IsFinite) && Deviation.All(value => float.IsFinite(value) && value > 0) ? null : "its means or deviations are out of range";
}
