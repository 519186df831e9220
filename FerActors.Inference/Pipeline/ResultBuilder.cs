using FerActors.Inference.Models;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Pipeline;

/// <summary>Puts the parts of an image's way together into its result.</summary>
internal static class ResultBuilder
{
    public static ClassificationResult WithFaces(
        ImageInFlight image, ImageAligned aligned, FacesClassified classified, string node, DateTimeOffset now) =>
        Found(image, aligned, node) with
        {
            Faces = aligned.Faces.Zip(classified.Predictions, Face).ToList(),
            Model = classified.Model,
            TimingsMs = Times(image, aligned, classified.QueueMs, classified.InferMs, now),
        };

    public static ClassificationResult WithoutFaces(ImageInFlight image, ImageAligned aligned, string node, DateTimeOffset now) =>
        Found(image, aligned, node) with { TimingsMs = Times(image, aligned, 0, 0, now) };

    public static ClassificationResult Failed(ImageInFlight image, ErrorDetail error, string node, DateTimeOffset now) =>
        Base(image, node) with
        {
            Error = error,
            Image = image.Aligned?.Image,
            TimingsMs = Times(image, image.Aligned, 0, 0, now),
        };

    private static ClassificationResult Found(ImageInFlight image, ImageAligned aligned, string node) => Base(image, node) with
    {
        Image = aligned.Image,
        FacesFound = aligned.Detection?.Found,
        FacesCut = aligned.Detection is { IsCut: true } ? true : null,
        SearchScale = aligned.Detection is { Scale: < 1 and var scale } ? Math.Round(scale, 4) : null,
    };

    private static ClassificationResult Base(ImageInFlight image, string node) => new()
    {
        MessageId = image.Request.MessageId,
        CorrelationId = image.Request.CorrelationId,
        Node = node,
    };

    private static FaceResult Face(AlignedFace face, FacePrediction prediction)
    {
        var emotions = ExpressionNames.All
            .Select(e => new EmotionProbability(e, e.ToString(), prediction.Probabilities[(int)e]))
            .ToList();
        var dominant = emotions.MaxBy(e => e.Probability)!;
        return new FaceResult(
            face.Face.Box,
            face.Face.Landmarks,
            face.RollDegrees,
            face.Face.Score,
            dominant.Label,
            dominant.Name,
            dominant.Probability,
            emotions,
            prediction.Attention,
            face.CropPng,
            prediction.Explanation,
            prediction.Views);
    }

    private static Timings Times(ImageInFlight image, ImageAligned? aligned, double queueMs, double inferMs, DateTimeOffset now)
    {
        var waited = image.Started is { } started ? (started - image.Request.ReceivedAt).TotalMilliseconds : 0;
        return new Timings(
            Round(aligned?.DecodeMs ?? 0),
            Round(aligned?.DetectMs ?? 0),
            Round(aligned?.AlignMs ?? 0),
            Round(Math.Max(0, waited) + queueMs),
            Round(inferMs),
            Round(Math.Max(0, (now - image.Request.ReceivedAt).TotalMilliseconds)));
    }

    // Microseconds are as fine as these clocks mean anything.
    private static double Round(double milliseconds) => Math.Round(milliseconds, 3);
}
