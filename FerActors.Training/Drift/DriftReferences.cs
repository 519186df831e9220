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
    /// <param name="checkpoint">The model.</param>
    /// <param name="images">The images.</param>
    /// <param name="usual">Where embeddings usually lie; without it no distances are measured.</param>
    /// <returns>A sample an image, in order.</returns>
    public static IReadOnlyList<DriftSample> Samples(VitCheckpoint checkpoint, FerDataset images, EmbeddingReference? usual = null)
    {
        var distances = new List<double?>();
        return Samples(checkpoint, images, embedding => distances.Add(usual?.Distance(embedding)), i => distances[i]);
    }

    /// <summary>Makes the reference of images that the model was not trained on: of those it was, its confidence is too high.</summary>
    /// <exception cref="ArgumentException">There are no images.</exception>
    public static DriftReference Build(VitCheckpoint checkpoint, FerDataset images, FerUsage split)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(images);
        var embeddings = new List<float[]>(images.Count);
        var samples = Samples(checkpoint, images, embeddings.Add, _ => null);
        var usual = EmbeddingReference.Of(embeddings);
        return DriftReference.Of(
            [.. samples.Select((sample, i) => sample with { EmbeddingDistance = usual.Distance(embeddings[i]) })],
            checkpoint.WeightsSha256,
            images.Sha256,
            split.ToString(),
            usual);
    }

    /// <summary>Writes <c>drift_reference.json</c> into the model folder, as a whole or not at all.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static Task WriteAsync(string modelFolder, DriftReference reference, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return ReplacedFile.WriteAsync(Path.Combine(modelFolder, DriftReference.FileName), reference.ToJson(), cancellation);
    }

    private static DriftSample[] Samples(
        VitCheckpoint checkpoint, FerDataset images, Action<float[]> embeddings, Func<int, double?> distance)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(images);
        var temperature = checkpoint.Model.Config.FerActors.Temperature;
        var predictions = ModelEvaluation.Predict(checkpoint.Model, checkpoint.Preprocessor, images, flip: false, embeddings: embeddings);
        var samples = new DriftSample[images.Count];
        var probabilities = new double[ExpressionNames.Count];
        for (var i = 0; i < samples.Length; i++)
        {
            Softmax.Compute(predictions.Logits(i), probabilities, temperature);
            var label = Softmax.ArgMax(predictions.Logits(i));
            samples[i] = new DriftSample(
                CropStatistics.Measure(images.Pixels(i), FerDataset.Side), (Expression)label, probabilities[label], EmbeddingDistance: distance(i));
        }

        return samples;
    }
}
