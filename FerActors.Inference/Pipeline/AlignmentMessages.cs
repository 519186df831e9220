using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Pipeline;

/// <summary>Asks a worker for the faces of an image. Answered by one <see cref="ImageAligned"/> or <see cref="ImageRefused"/>.</summary>
/// <param name="Key">The delivery.</param>
/// <param name="Body">The encoded image.</param>
/// <param name="Request">What the publisher asked for.</param>
public sealed record AlignImage(DeliveryKey Key, ReadOnlyMemory<byte> Body, RequestOptions Request);

/// <param name="Key">The delivery.</param>
/// <param name="Image">Size and format.</param>
/// <param name="Faces">The selected faces, the largest first; may be empty.</param>
/// <param name="DecodeMs">Time of the header check and the decoding.</param>
/// <param name="DetectMs">Time of the detection.</param>
/// <param name="AlignMs">Time of the alignment of all faces.</param>
public sealed record ImageAligned(
    DeliveryKey Key, ImageInfo Image, IReadOnlyList<AlignedFace> Faces, double DecodeMs, double DetectMs, double AlignMs)
{
    /// <summary>What the detector found; absent where it was skipped.</summary>
    public DetectionSummary? Detection { get; init; }
}

/// <param name="Found">How many faces were found, those that are not among the selected included.</param>
/// <param name="IsCut">More were found than a node keeps.</param>
/// <param name="Scale">Pixels of the searched copy for each pixel of the picture; 1 where the picture was not reduced.</param>
public sealed record DetectionSummary(int Found, bool IsCut, double Scale);

/// <param name="Face">Where it was found.</param>
/// <param name="RollDegrees">In-plane rotation.</param>
/// <param name="Crop">What the model gets.</param>
/// <param name="CropPng">The crop as a PNG, on request.</param>
public sealed record AlignedFace(DetectedFace Face, double RollDegrees, FaceCrop Crop, byte[]? CropPng);

/// <param name="Key">The delivery.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">A sentence for the publisher.</param>
public sealed record ImageRefused(DeliveryKey Key, string Code, string Message);
