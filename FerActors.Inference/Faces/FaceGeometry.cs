using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Faces;

/// <summary>Where a face's crop lies in the picture.</summary>
public static class FaceGeometry
{
    /// <summary>
    /// How much larger or smaller than the box a crop may be before its landmarks count as wrong. In profile, the eyes come so close to
    /// one another that the points alone would ask for a crop of several heads.
    /// </summary>
    private const double LargestSideRatio = 1.6;

    /// <summary>In-plane rotation of the line from the eye on the image's left to the other, in degrees, clockwise positive.</summary>
    /// <returns>In (−180, 180]; 0 without landmarks.</returns>
    public static double RollDegrees(FaceLandmarks? landmarks) => landmarks is null
        ? 0
        : double.RadiansToDegrees(Math.Atan2(landmarks.LeftEye.Y - landmarks.RightEye.Y, landmarks.LeftEye.X - landmarks.RightEye.X));

    /// <summary>Maps pixels of the picture to the crop, whose corners are (0, 0) and (1, 1).</summary>
    /// <param name="face">A face with a box of positive size.</param>
    /// <param name="alignment">
    /// With <see cref="FaceAlignment.Similarity"/> the landmarks decide; the box does where there are none, or they are degenerate, or
    /// they contradict it.
    /// </param>
    public static SimilarityTransform PictureToCrop(DetectedFace face, FaceAlignment alignment)
    {
        ArgumentNullException.ThrowIfNull(face);
        return alignment == FaceAlignment.Similarity && face.Landmarks is { } landmarks && TryFit(landmarks, face.Box, out var fit)
            ? fit
            : SquareBox(face.Box);
    }

    private static bool TryFit(FaceLandmarks landmarks, FaceBox box, out SimilarityTransform fit)
    {
        if (!SimilarityTransform.Estimate([.. landmarks.ToList()], [.. FerTemplate.Points.ToList()], out fit))
        {
            return false;
        }

        var ratio = 1 / (fit.Scale * box.Height);
        return ratio is > 1 / LargestSideRatio and < LargestSideRatio;
    }

    /// <summary>A square as high as the box about its centre: YuNet's boxes are as high as FER2013's crops, Haar's are those crops.</summary>
    private static SimilarityTransform SquareBox(FaceBox box)
    {
        var scale = 1 / box.Height;
        var (left, top) = (box.X + ((box.Width - box.Height) / 2), box.Y);
        return new SimilarityTransform(scale, 0, -left * scale, -top * scale);
    }
}
