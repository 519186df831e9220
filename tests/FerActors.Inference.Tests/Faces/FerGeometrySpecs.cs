using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Faces;

/// <summary>FER2013's own images, put into a picture, found and cut out again, must come out in the geometry they had.</summary>
public class FerGeometrySpecs
{
    private const int Images = 240;

    [SkippableTheory]
    [InlineData(FaceAlignment.Similarity)]
    [InlineData(FaceAlignment.Box)]
    public void Crops_of_fer2013_are_found_again_in_their_own_geometry(FaceAlignment alignment)
    {
        using var detector = new YuNetDetector(SharedData.Require("models", "yunet_n_640_640.onnx"), new DetectionOptions());
        var landmarks = new List<IReadOnlyList<ImagePoint>>();
        var (centres, widths) = (new List<ImagePoint>(), new List<double>());
        var images = SharedData.PublicTest(Images);
        foreach (var pixels in images)
        {
            using var padded = new PaddedCrop(pixels);
            if (detector.Detect(padded.Picture) is not [var face, ..])
            {
                continue;
            }

            var toCrop = FaceGeometry.PictureToCrop(face, alignment);
            landmarks.Add([.. face.Landmarks!.ToList().Select(toCrop.Apply)]);
            centres.Add(padded.Move(new(24, 24), face, alignment));
            widths.Add(toCrop.Scale * PaddedCrop.CropSide);
        }

        Assert.Equal(Images, images.Count);
        Assert.True(landmarks.Count >= 0.95 * Images, $"{landmarks.Count} of {Images} found");
        var template = FerTemplate.Points.ToList();
        for (var i = 0; i < template.Count; i++)
        {
            var (x, y) = (Median(landmarks.Select(points => points[i].X)), Median(landmarks.Select(points => points[i].Y)));
            var (dx, dy) = ((x - template[i].X) * 48, (y - template[i].Y) * 48);
            Assert.True(Math.Abs(dx) < 1.5 && Math.Abs(dy) < 1.5, $"point {i} is off by {dx:F2}, {dy:F2}");
        }

        // The original crop's middle stays in the middle, and its size stays: the whole is a crop of the same kind.
        Assert.InRange(Median(centres.Select(p => p.X)), 23, 25);
        Assert.InRange(Median(centres.Select(p => p.Y)), 22.5, 25);
        Assert.InRange(Median(widths), 0.95, 1.05);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
