using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Runs a model over a data set.</summary>
public static class ModelEvaluation
{
    private const int BatchSize = 128;

    /// <summary>Logits in FER2013 order, with the labels, and the votes where the data have them.</summary>
    /// <param name="model">A model whose input side is 48, or any side that 48 is resized to.</param>
    /// <param name="preprocessor">Its preprocessing.</param>
    /// <param name="data">Images.</param>
    /// <param name="flip">Averages the logits of the image and of its mirror image.</param>
    /// <param name="computeType">Type of the matrix products; <see langword="null"/> is that of the weights.</param>
    /// <param name="embeddings">Takes each image's embedding, in order; of the image itself, not of its mirror image.</param>
    /// <param name="progress">Told after each batch how many images are done.</param>
    public static Predictions Predict(
        Vit model, PreprocessorConfig preprocessor, FerDataset data, bool flip, ScalarType? computeType = null, Action<float[]>? embeddings = null, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        var config = model.Config;
        var normalisation = new GrayNormalisation(preprocessor);
        var labels = LabelMap.Create(config.Labels);
        var options = new VitForwardOptions(computeType, null);
        var area = FerDataset.Side * FerDataset.Side;
        var ordered = new float[data.Count * ExpressionNames.Count];
        var planes = new float[BatchSize * config.NumChannels * area];
        for (var start = 0; start < data.Count; start += BatchSize)
        {
            var count = Math.Min(BatchSize, data.Count - start);
            for (var i = 0; i < count; i++)
            {
                normalisation.Apply(data.Pixels(start + i), planes.AsSpan(i * config.NumChannels * area, config.NumChannels * area));
            }

            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            var pixels = tensor(planes, device: model.Device)[TensorIndex.Slice(0, count * config.NumChannels * area)]
                .view(count, config.NumChannels, FerDataset.Side, FerDataset.Side);
            if (config.ImageSize != FerDataset.Side)
            {
                pixels = nn.functional.interpolate(pixels, [config.ImageSize, config.ImageSize], mode: InterpolationMode.Bilinear, align_corners: false);
            }

            var (logits, embedded) = model.ForwardWithEmbedding(pixels, options);
            if (embeddings is not null)
            {
                var all = embedded.cpu().data<float>().ToArray();
                for (var i = 0; i < count; i++)
                {
                    embeddings(all.AsSpan(i * config.HiddenSize, config.HiddenSize).ToArray());
                }
            }

            if (flip)
            {
                logits = logits.Plus(model.Forward(pixels.flip(3), options)).Times(0.5);
            }

            var values = logits.cpu().data<float>().ToArray();
            for (var i = 0; i < count; i++)
            {
                labels.Reorder(
                    values.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count),
                    ordered.AsSpan((start + i) * ExpressionNames.Count, ExpressionNames.Count));
            }

            progress?.Invoke(start + count);
        }

        return new Predictions(ordered, data.Labels(), data.AllVotes());
    }
}
