using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Training.Averaging;

/// <summary>
/// The model whose weights are the mean of other models' (Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models
/// improves accuracy without increasing inference time", 2022).
/// </summary>
/// <remarks>
/// It answers about as the mean of their answers would, for the price of one, where the models lie in one valley: where they were trained
/// further from the same weights. Models from different random weights have their units in different orders, and their mean knows nothing.
/// </remarks>
public static class ModelAverage
{
    /// <summary>Reads the folders one after the other: no more than two models are in memory at a time.</summary>
    /// <param name="folders">At least two model folders of one architecture, with the same labels and preprocessing.</param>
    /// <returns>The mean, fp32 on the CPU, without name, version or temperature, to be calibrated on votes where all models were; and its preprocessing.</returns>
    /// <exception cref="ArgumentException">There are less than two, or one does not fit the first.</exception>
    /// <exception cref="CheckpointException">A folder cannot be used.</exception>
    /// <exception cref="VitConfigException">A configuration file cannot be used.</exception>
    public static (Vit Model, PreprocessorConfig Preprocessor) Of(IReadOnlyList<string> folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        if (folders.Count < 2)
        {
            throw new ArgumentException("An average needs two models at least.", nameof(folders));
        }

        if (folders.GroupBy(f => Path.TrimEndingDirectorySeparator(Path.GetFullPath(f))).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"'{twice.First()}' is named twice.", nameof(folders));
        }

        TorchRuntime.EnsureLoaded();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var first = VitCheckpoint.Load(folders[0]);
        var onVotes = first.Model.Config.FerActors.CalibratedOn == FerActorsSection.Votes;
        var sums = first.Model.Tensors.ToDictionary(t => t.Key, t => t.Value.clone());
        foreach (var folder in folders.Skip(1))
        {
            using var next = VitCheckpoint.Load(folder);
            if (!Shape(next.Model.Config).SequenceEqual(Shape(first.Model.Config)))
            {
                throw new ArgumentException($"'{folder}' is of another architecture than '{folders[0]}', or has other labels.", nameof(folders));
            }

            if (!next.Preprocessor.ToJson().SequenceEqual(first.Preprocessor.ToJson()))
            {
                throw new ArgumentException($"'{folder}' has another preprocessing than '{folders[0]}'.", nameof(folders));
            }

            onVotes &= next.Model.Config.FerActors.CalibratedOn == FerActorsSection.Votes;
            foreach (var (name, tensor) in next.Model.Tensors)
            {
                sums[name].Add(tensor);
            }
        }

        foreach (var sum in sums.Values)
        {
            sum.Scale(1.0 / folders.Count);
        }

        var config = first.Model.Config with { FerActors = new FerActorsSection(CalibratedOn: onVotes ? FerActorsSection.Votes : null) };
        return (Vit.FromTensors(config, sums.ToDictionary(s => s.Key, s => s.Value.DetachFromDisposeScope())), first.Preprocessor);
    }

    // All that says what a weight means; not the version, nor how the file stored its numbers.
    private static byte[] Shape(VitConfig config) => (config with { FerActors = new FerActorsSection(), TorchDType = null }).ToJson();
}
