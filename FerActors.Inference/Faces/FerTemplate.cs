using FerActors.Shared.Protocol;

namespace FerActors.Inference.Faces;

/// <summary>Where the five landmarks of FER2013's mean face lie within its crop.</summary>
/// <remarks>
/// The median of YuNet's points over FER2013's own 48 x 48 crops, which agree with those inside OpenCV's frontal Haar boxes; made
/// symmetric about the vertical middle, so that a mirrored face is cut as its original is. ArcFace's template, which most face
/// libraries align to, is about 8 % looser and sits lower: it does not fit a network trained on FER2013.
/// </remarks>
public static class FerTemplate
{
    private const double Side = 48;

    /// <summary>In units of the crop's side: (0, 0) is its upper left corner, (1, 1) its lower right one.</summary>
    public static FaceLandmarks Points { get; } = new(
        RightEye: At(15.0, 18.3),
        LeftEye: At(33.0, 18.3),
        Nose: At(24.0, 28.3),
        RightMouth: At(16.7, 36.1),
        LeftMouth: At(31.3, 36.1));

    private static ImagePoint At(double x, double y) => new(x / Side, y / Side);
}
