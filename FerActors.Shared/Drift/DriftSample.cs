using FerActors.Shared.Labels;

namespace FerActors.Shared.Drift;

/// <summary>What is noted of one classified face. It holds no picture.</summary>
/// <param name="Crop">Statistics of the crop.</param>
/// <param name="Label">The predicted expression.</param>
/// <param name="Confidence">Its calibrated probability.</param>
/// <param name="FaceSize">Side of the square with the area of the box, in pixels; null where no face was searched for.</param>
/// <param name="DetectorScore">The detector's confidence; null where it gives none.</param>
/// <param name="EmbeddingDistance">How far the face's embedding is from the reference's mean; null where the reference has none.</param>
public sealed record DriftSample(
    CropStatistics Crop, Expression Label, double Confidence, double? FaceSize = null, double? DetectorScore = null,
    double? EmbeddingDistance = null)
{
    /// <summary>The value of a signal; null where the sample has none.</summary>
    public double? Value(DriftSignal signal) => signal switch
    {
        DriftSignal.Brightness => Crop.Brightness,
        DriftSignal.Contrast => Crop.Contrast,
        DriftSignal.Sharpness => Crop.Sharpness,
        DriftSignal.Confidence => Confidence,
        DriftSignal.PredictionMix => (int)Label,
        DriftSignal.FaceSize => FaceSize,
        DriftSignal.EmbeddingDistance => EmbeddingDistance,
        _ => DetectorScore,
    };
}
