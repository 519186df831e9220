namespace FerActors.Shared.Drift;

/// <summary>What is watched for drift.</summary>
public enum DriftSignal
{
    /// <summary>Mean gray value of the crop, 0 to 255.</summary>
    Brightness = 0,

    /// <summary>Standard deviation of its gray values.</summary>
    Contrast = 1,

    /// <summary>Variance of its Laplacian: low where the face is blurred.</summary>
    Sharpness = 2,

    /// <summary>Calibrated probability of the predicted expression.</summary>
    Confidence = 3,

    /// <summary>Which expressions are predicted how often. Categories: it has no Kolmogorov-Smirnov distance.</summary>
    PredictionMix = 4,

    /// <summary>Side of the square with the area of the face's box, in pixels; its reference are the first production faces.</summary>
    FaceSize = 5,

    /// <summary>The detector's confidence; its reference are the first production faces.</summary>
    DetectorScore = 6,

    /// <summary>Distance of the face's embedding from the reference's mean; watched where the reference has one.</summary>
    EmbeddingDistance = 7,
}

/// <summary>How far a signal has moved, in rising order.</summary>
public enum DriftLevel
{
    Ok = 0,
    Warn = 1,
    Alert = 2,
}

/// <summary>The signals by where their reference comes from.</summary>
public static class DriftSignals
{
    public static IReadOnlyList<DriftSignal> All { get; } = Enum.GetValues<DriftSignal>();

    /// <summary>Whether the reference is learnt in production, since the training data has been cropped already.</summary>
    public static bool IsSelfReferenced(this DriftSignal signal) => signal is DriftSignal.FaceSize or DriftSignal.DetectorScore;

    /// <summary>Whether a reference may lack it: those that were made before it was watched do.</summary>
    public static bool IsOptional(this DriftSignal signal) => signal is DriftSignal.EmbeddingDistance;
}
