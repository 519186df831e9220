using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Shared.Options;
using Xunit.Abstractions;

namespace FerActors.Inference.Tests.Faces;

/// <summary>What the face pipeline costs the shipped model: FER2013's images as they are, against the same found and cut out again.</summary>
public class RealignedAccuracySpecs(ITestOutputHelper output)
{
    // All of PublicTest: of a thousand images the loss has an error of a point.
    private const int Images = 3589;

    private const int BatchSize = 64;

    [SkippableFact]
    public void Faces_that_were_found_and_aligned_again_are_classified_a_little_worse_and_still_well()
    {
        var options = new DetectionOptions();
        var images = SharedData.LabelledPublicTest(Images);
        using var detector = new YuNetDetector(SharedData.Require("models", "yunet_n_640_640.onnx"), options);
        var faces = new List<(byte[] Untouched, byte[] Aligned, int Label)>();
        foreach (var (pixels, label) in images)
        {
            using var padded = new PaddedCrop(pixels);
            if (detector.Detect(padded.Picture) is [var face, ..])
            {
                faces.Add((pixels, FaceAligner.Align(padded.Picture, face, PaddedCrop.CropSide, options.Alignment), label));
            }
        }

        output.WriteLine($"{faces.Count} of {images.Count} found");
        Assert.True(faces.Count >= 0.93 * images.Count, $"{faces.Count} of {images.Count} found");
        var plain = Judge(ModelOptions.Plain, faces);
        var flip = Judge(ModelOptions.Flip, faces);

        // The aim is a loss of one point with flip; version 5 loses 1.08 of a higher accuracy, and the measure has an error of 0.6.
        Assert.InRange(plain.Loss, -1, 2);
        Assert.InRange(flip.Loss, -1, 1.25);
        Assert.InRange(plain.Aligned, 66, 100);
        Assert.InRange(flip.Aligned, 66.4, 100);
    }

    // In points of accuracy.
    private (double Aligned, double Loss) Judge(string view, List<(byte[] Untouched, byte[] Aligned, int Label)> faces)
    {
        using var model = VitExpressionModel.Load(
            new ModelOptions { Path = SharedData.Repository("models", "fer-vit-compact"), Precision = "fp32", TestTimeAugmentation = view }, []);
        double Accuracy(Func<(byte[] Untouched, byte[] Aligned, int Label), byte[]> crop) => 100.0 / faces.Count * faces.Chunk(BatchSize)
            .Sum(batch => model.Predict([.. batch.Select(face => new FaceCrop(crop(face)))]).Zip(batch).Count(pair => Top(pair.First) == pair.Second.Label));

        var (untouched, aligned) = (Accuracy(face => face.Untouched), Accuracy(face => face.Aligned));
        output.WriteLine($"{view}: untouched {untouched:F2} %, aligned {aligned:F2} %, loss {untouched - aligned:F2} points");
        return (aligned, untouched - aligned);
    }

    private static int Top(FacePrediction prediction) => Array.IndexOf(prediction.Probabilities, prediction.Probabilities.Max());
}
