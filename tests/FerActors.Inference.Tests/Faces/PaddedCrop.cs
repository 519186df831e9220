using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Faces;

/// <summary>
/// Puts a 48 x 48 crop of FER2013 back into a picture, so that it can be detected and cut out again. What lies around the crop is
/// unknown: it is the edge, replicated and blurred, in which a detector finds nothing.
/// </summary>
internal sealed class PaddedCrop : IDisposable
{
    public const int CropSide = 48;

    private const double BlurSigma = 6;

    private readonly int _border;

    public PaddedCrop(byte[] pixels, int side = 96)
    {
        _border = (side - CropSide) / 2;
        using var crop = new Mat(CropSide, CropSide, MatType.CV_8UC1);
        pixels.CopyTo(crop.AsSpan<byte>());
        Cv2.CopyMakeBorder(crop, Picture, _border, _border, _border, _border, BorderTypes.Replicate);
        Cv2.GaussianBlur(Picture, Picture, new Size(0, 0), BlurSigma);
        using (var middle = new Mat(Picture, new Rect(_border, _border, CropSide, CropSide)))
        {
            crop.CopyTo(middle);
        }

        Cv2.CvtColor(Picture, Picture, ColorConversionCodes.GRAY2BGR);
    }

    /// <summary>8-bit BGR.</summary>
    public Mat Picture { get; } = new();

    /// <summary>Where a pixel of the original crop comes to lie in the new one, both in units of 48 pixels a side.</summary>
    public ImagePoint Move(ImagePoint original, DetectedFace face, FaceAlignment alignment)
    {
        var moved = FaceGeometry.PictureToCrop(face, alignment).Apply(new ImagePoint(original.X + _border, original.Y + _border));
        return new ImagePoint(moved.X * CropSide, moved.Y * CropSide);
    }

    public void Dispose() => Picture.Dispose();
}
