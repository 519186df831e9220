using System.Text.Json.Serialization;
using FerActors.Shared.Labels;

namespace FerActors.Shared.Protocol;

/// <summary>The answer to one image: what <c>fer.results</c> carries as JSON. Field names are the contract of docs/protocol.md.</summary>
public sealed record ClassificationResult
{
    /// <summary>Raised when a field changes its meaning or goes away; added fields do not raise it.</summary>
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>The request's <c>message-id</c>, or one generated for it: the key by which duplicates are recognised.</summary>
    public required string MessageId { get; init; }

    public string? CorrelationId { get; init; }

    /// <summary><c>ok</c> where the picture was classified (with or without faces in it), <c>error</c> otherwise.</summary>
    [JsonPropertyOrder(-1)]
    public string Status => Error is null ? "ok" : "error";

    /// <summary>Set where the picture could not be classified; then there are no faces.</summary>
    public ErrorDetail? Error { get; init; }

    /// <summary>Size and format of the picture; absent where its header could not be read.</summary>
    public ImageInfo? Image { get; init; }

    /// <summary>The faces that were classified, the largest box first. No face found is an empty list, not an error.</summary>
    public IReadOnlyList<FaceResult> Faces { get; init; } = [];

    /// <summary>
    /// How many faces were found; more than <see cref="Faces"/> has where only the largest was asked for, or where
    /// <see cref="FacesCut"/> is set. Absent where nothing was searched for.
    /// </summary>
    public int? FacesFound { get; init; }

    /// <summary><see langword="true"/> where more faces were found than a node answers for; absent otherwise.</summary>
    public bool? FacesCut { get; init; }

    /// <summary>
    /// Above 0, below 1: the picture was searched in a copy reduced by this factor, in which small faces are lost. Absent where it was not
    /// reduced.
    /// </summary>
    public double? SearchScale { get; init; }

    /// <summary>The model that answered; absent where none was asked.</summary>
    public ModelIdentity? Model { get; init; }

    public Timings TimingsMs { get; init; } = Timings.None;

    /// <summary>The node that answered.</summary>
    public required string Node { get; init; }

    /// <summary>An error result.</summary>
    public static ClassificationResult Failed(string messageId, string? correlationId, string node, string code, string message) => new()
    {
        MessageId = messageId,
        CorrelationId = correlationId,
        Node = node,
        Error = new ErrorDetail(code, message),
    };
}

/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">A sentence for a person.</param>
public sealed record ErrorDetail(string Code, string Message);

/// <param name="Width">Pixels, after the EXIF orientation was applied.</param>
/// <param name="Height">Pixels, after the EXIF orientation was applied.</param>
/// <param name="Format"><c>jpeg</c>, <c>png</c>, <c>webp</c> or <c>bmp</c>.</param>
public sealed record ImageInfo(int Width, int Height, string Format);

/// <summary>One face.</summary>
/// <param name="Box">Where it is, in pixels of the upright picture.</param>
/// <param name="Landmarks">Five points; absent where the detector gives none (Haar) or was skipped.</param>
/// <param name="RollDegrees">In-plane rotation of the line from the eye on the image's left to the other, clockwise positive; 0 without landmarks.</param>
/// <param name="DetectorScore">The detector's confidence in [0, 1]; absent where it gives none.</param>
/// <param name="Label">The number of the most probable expression, 0 to 6.</param>
/// <param name="DominantEmotion">Its name.</param>
/// <param name="Confidence">Its calibrated probability in [0, 1].</param>
/// <param name="Emotions">All seven probabilities, in the order of their numbers; they sum to 1.</param>
/// <param name="Attention">Attention rollout over the crop's patch grid, on request.</param>
/// <param name="CropPng">The aligned crop as a PNG, on request (base64 in JSON).</param>
/// <param name="Explanation">How much each patch of the crop counted, on request.</param>
/// <param name="Views">How the model looked at the face: <c>plain</c>, <c>flip</c> or <c>flip_shift</c>; absent where it does not say.</param>
public sealed record FaceResult(
    FaceBox Box,
    FaceLandmarks? Landmarks,
    double RollDegrees,
    double? DetectorScore,
    Expression Label,
    string DominantEmotion,
    double Confidence,
    IReadOnlyList<EmotionProbability> Emotions,
    AttentionMap? Attention = null,
    byte[]? CropPng = null,
    FaceExplanation? Explanation = null,
    string? Views = null);

/// <summary>An axis-parallel box in pixels; it may reach beyond the picture's edge.</summary>
public sealed record FaceBox(double X, double Y, double Width, double Height)
{
    [JsonIgnore]
    public double Area => Width * Height;
}

/// <summary>A point in pixels, the origin at the picture's upper left corner.</summary>
public readonly record struct ImagePoint(double X, double Y);

/// <summary>The five points of YuNet. Left and right are the subject's own: the right eye stands on the image's left.</summary>
public sealed record FaceLandmarks(ImagePoint RightEye, ImagePoint LeftEye, ImagePoint Nose, ImagePoint RightMouth, ImagePoint LeftMouth)
{
    /// <summary>The points in YuNet's own order.</summary>
    public IReadOnlyList<ImagePoint> ToList() => [RightEye, LeftEye, Nose, RightMouth, LeftMouth];
}

/// <param name="Label">The expression's number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Probability">In [0, 1].</param>
public sealed record EmotionProbability(Expression Label, string Name, double Probability);

/// <summary>Relevance of each patch, row by row from the upper left; the values are at least 0 and sum to 1.</summary>
public sealed record AttentionMap(int Rows, int Columns, IReadOnlyList<float> Values);

/// <param name="Name">The model's name.</param>
/// <param name="Version">Its immutable version.</param>
/// <param name="WeightsSha256">SHA-256 of the weights file, lower-case hex.</param>
public sealed record ModelIdentity(string Name, string Version, string WeightsSha256);

/// <summary>Milliseconds spent in each stage; 0 where a stage was skipped.</summary>
/// <param name="Decode">Header check and decoding.</param>
/// <param name="Detect">Finding the faces.</param>
/// <param name="Align">Aligning and cropping them.</param>
/// <param name="Queue">Waiting: for a worker and for the batch to form, together.</param>
/// <param name="Infer">The forward pass of the batch that held the last of the faces.</param>
/// <param name="Total">From the delivery to the outcome.</param>
public sealed record Timings(double Decode, double Detect, double Align, double Queue, double Infer, double Total)
{
    public static Timings None { get; } = new(0, 0, 0, 0, 0, 0);
}
