namespace FerActors.Cluster.Tests;

/// <summary>An answer to an image of a <see cref="Load"/>. Times count from the load's start.</summary>
/// <param name="Id">The image's message id.</param>
/// <param name="PublishedAt">When it was sent, for the first time.</param>
/// <param name="At">When the answer arrived.</param>
/// <param name="Node">Who answered.</param>
/// <param name="Version">The model version that answered.</param>
/// <param name="Error">The code of an error result.</param>
/// <param name="Probabilities">Of the face, by expression; empty in an error result.</param>
internal sealed record Outcome(
    string Id,
    TimeSpan PublishedAt,
    TimeSpan At,
    string Node,
    string? Version,
    string? Error,
    IReadOnlyList<double> Probabilities)
{
    // fp32 sums differ in the last digits with the size of the batch that the image was in.
    private const double Rounding = 1e-4;

    /// <summary>Whether both say the same; those of different versions need not.</summary>
    public bool Agrees(Outcome other) =>
        Error == other.Error
        && (Version != other.Version
            || (Probabilities.Count == other.Probabilities.Count
                && Probabilities.Zip(other.Probabilities, (a, b) => Math.Abs(a - b)).All(difference => difference < Rounding)));
}
