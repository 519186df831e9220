namespace FerActors.Shared.Protocol;

/// <summary>Which of the faces found in a picture are classified.</summary>
public enum FaceSelection
{
    /// <summary>Every face (the default).</summary>
    All,

    /// <summary>Only the face with the largest box.</summary>
    Largest,
}

/// <summary>Optional parts of a result that cost time or bytes and are therefore only sent when asked for.</summary>
[Flags]
public enum IncludeParts
{
    None = 0,

    /// <summary>The five landmarks of each face. They are always sent; the value is accepted so that clients may name it.</summary>
    Landmarks = 1,

    /// <summary>Attention rollout of each face: how much each patch of the crop contributed.</summary>
    Attention = 2,

    /// <summary>The aligned crop that the model saw, as a PNG.</summary>
    Crop = 4,
}

/// <summary>What the publisher of an image asked for, parsed from the <c>x-fer-</c> headers.</summary>
/// <param name="Faces">Which faces to classify.</param>
/// <param name="Include">Optional parts of the result.</param>
/// <param name="Aligned">The image already is one aligned face crop: detection and alignment are skipped.</param>
public sealed record RequestOptions(FaceSelection Faces, IncludeParts Include, bool Aligned)
{
    /// <summary>The explanation that is wanted; absent where none is.</summary>
    public ExplanationRequest? Explain { get; init; }

    /// <summary>How long after its delivery to a node the image may wait; absent where it may wait as long as it must.</summary>
    public TimeSpan? Deadline { get; init; }

    public static RequestOptions Default { get; } = new(FaceSelection.All, IncludeParts.None, Aligned: false);
}
