using FerActors.Shared.Protocol;

namespace FerActors.Inference.Pipeline;

/// <summary>Names one delivery within this process. A redelivery of the same message is another delivery.</summary>
/// <param name="Epoch">Counts the sessions of the transport that delivered it: tags are void beyond their session.</param>
/// <param name="Tag">The delivery's number within its session.</param>
public readonly record struct DeliveryKey(long Epoch, ulong Tag);

/// <summary>
/// Asks the pipeline to classify one image. The sender gets exactly one <see cref="ImageOutcome"/> with the same key,
/// whatever happens to the image on its way.
/// </summary>
/// <param name="Key">The delivery.</param>
/// <param name="MessageId">The publisher's id, or the generated one.</param>
/// <param name="CorrelationId">Copied into the result.</param>
/// <param name="Body">The encoded image. Owned by the pipeline from here on; never changed, never logged.</param>
/// <param name="Request">What the publisher asked for.</param>
/// <param name="ReceivedAt">When the transport delivered it.</param>
/// <param name="ExpiresAt">After this moment the publisher has no use for a classification.</param>
/// <param name="Alone">
/// The delivery is suspect (it was delivered before and not settled): no other image may share a batch with it.
/// </param>
public sealed record ClassifyImage(
    DeliveryKey Key,
    string MessageId,
    string? CorrelationId,
    ReadOnlyMemory<byte> Body,
    RequestOptions Request,
    DateTimeOffset ReceivedAt,
    DateTimeOffset? ExpiresAt,
    bool Alone);

/// <summary>The one outcome of one <see cref="ClassifyImage"/>: a classification or an error result.</summary>
public sealed record ImageOutcome(DeliveryKey Key, ClassificationResult Result);

/// <summary>
/// Published on the event stream for each image that was classified. Nothing listens unless retention is on: it is the one way by which
/// an image may reach the disk.
/// </summary>
/// <param name="Image">The encoded image; never changed, never logged.</param>
/// <param name="Result">Its result.</param>
public sealed record ImageAnswered(ReadOnlyMemory<byte> Image, ClassificationResult Result);
