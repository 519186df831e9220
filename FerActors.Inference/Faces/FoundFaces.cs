using System.Collections;

namespace FerActors.Inference.Faces;

/// <summary>The faces of a picture that are kept, the largest first, and what was not kept or not looked for.</summary>
/// <param name="kept">At most <see cref="Shared.Options.DetectionOptions.MaxFaces"/>.</param>
/// <param name="total">How many were found, those that are not kept included.</param>
/// <param name="scale">Pixels of the searched copy for each pixel of the picture; 1 where the picture was not reduced.</param>
public sealed class FoundFaces(IReadOnlyList<DetectedFace> kept, int total, double scale) : IReadOnlyList<DetectedFace>
{
    /// <summary>How many faces were found.</summary>
    public int Total => total;

    /// <summary>Above 0, at most 1. Faces that are a few pixels high at this scale are not found.</summary>
    public double Scale => scale;

    public int Count => kept.Count;

    public DetectedFace this[int index] => kept[index];

    public IEnumerator<DetectedFace> GetEnumerator() => kept.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
