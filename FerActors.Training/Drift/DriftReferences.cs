using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Vision.Model;

namespace FerActors.Training.Drift;

/// <summary>Makes a model's drift reference.</summary>
public static class DriftReferences
{
    /// <summary>Measures images, and what the model says of them, as the serving node does: at the model's temperature, one look at each.</summary>
    /// <returns>A sample an image, in order.</returns>
    public static IReadOnlyList<DriftSample> Samples(VitCheckpoint checkpoint, FerDataset images)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(images);
        var temperature = checkpoint.Model.Config.FerActors.Temperature;
        var predictions = ModelEvaluation.Predict(checkpoint.Model, checkpoint.Preprocessor, images, flip: false);
        var samples = new DriftSample[images.Count];
        var probabilities = new double[ExpressionNames.Count];
        for (var i = 0; i < samples.Length; i++)
        {
            Softmax.Compute(predictions.Logits(i), probabilities, temperature);
            var label = Softmax.ArgMax(predictions.Logits(i));
            samples[i] = new DriftSample(CropStatistics.Measure(images.Pixels(i), FerDataset.Side), (Expression)label, probabilities[label]);
        }

        return samples;
    }

    /// <summary>Makes the reference of images that the model was not trained on: of those it was, its confidence is too high.</summary>
    /// <exception cref="ArgumentException">There are no images.</exception>
    public static DriftReference Build(VitCheckpoint checkpoint, FerDataset images, FerUsage split) =>
        DriftReference.Of(Samples(checkpoint, images), checkpoint.WeightsSha256, images.Sha256, split.ToString());

    /// <summary>Writes <c>drift_reference.json</c> into the model folder, as a whole or not at all.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static Task WriteAsync(string modelFolder, DriftReference reference, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return ReplacedFile.WriteAsync(Path.Combine(modelFolder, DriftReference.FileName), reference.ToJson(), cancellation);
    }
}
