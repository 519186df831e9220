using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Shared.Options;
using Xunit.Abstractions;

namespace FerActors.Inference.Tests.Faces;

/// <summary>What the face pipeline costs the shipped model: FER2013's images as they are, against the same found and cut out again.</summary>
public class RealignedAccuracySpecs(ITestOutputHelper output)
{
    private const int Images = 1100;

    [SkippableFact]
    public void Faces_that_were_found_and_aligned_again_are_classified_at_most_two_points_worse()
    {
        var options = new DetectionOptions();
        var images = SharedData.LabelledPublicTest(Images);
        using var detector = new YuNetDetector(SharedData.Require("models", "yunet_n_640_640.onnx"), options);
        using var model = VitExpressionModel.Load(
            new ModelOptions { Path = SharedData.Repository("models", "fer-vit-compact"), Precision = "fp32" }, []);
        var (found, untouched, aligned) = (0, 0, 0);
        foreach (var (pixels, label) in images)
        {
            using var padded = new PaddedCrop(pixels);
            if (detector.Detect(padded.Picture) is not [var face, ..])
            {
                continue;
            }

            found++;
            var crop = FaceAligner.Align(padded.Picture, face, model.InputSide, options.Alignment);
            var predictions = model.Predict([new FaceCrop(pixels), new FaceCrop(crop)]);
            untouched += Top(predictions[0]) == label ? 1 : 0;
            aligned += Top(predictions[1]) == label ? 1 : 0;
        }

        var loss = 100.0 * (untouched - aligned) / found;
        output.WriteLine(
            $"{found} of {images.Count} found; untouched {100.0 * untouched / found:F2} %, aligned {100.0 * aligned / found:F2} %, loss {loss:F2} points");
        Assert.True(found >= 0.93 * images.Count, $"{found} of {images.Count} found");
        Assert.True(loss <= 2, $"untouched {untouched}, aligned {aligned} of {found}");
    }

    private static int Top(FacePrediction prediction) => Array.IndexOf(prediction.Probabilities, prediction.Probabilities.Max());
}
