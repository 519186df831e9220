using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>What is wanted of one image. The defaults are those of the contract.</summary>
public sealed record ClassifyOptions
{
    /// <summary>Which of the faces found are classified.</summary>
    public FaceSelection Faces { get; init; } = FaceSelection.All;

    /// <summary>Parts of the result that cost time or bytes.</summary>
    public IncludeParts Include { get; init; }

    /// <summary>The image already is one aligned face crop: no detection.</summary>
    public bool Aligned { get; init; }

    /// <summary>An explanation of each face.</summary>
    public ExplanationRequest? Explain { get; init; }

    /// <summary>Longest wait for the result, connecting and sending again included; <see cref="FerClientOptions.Timeout"/> where absent.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// The message's id, 1 to 255 bytes of UTF-8, by which a result is told from a duplicate; drawn where absent. Over AMQP alone: the
    /// HTTP API draws ids itself.
    /// </summary>
    public string? MessageId { get; init; }
}
