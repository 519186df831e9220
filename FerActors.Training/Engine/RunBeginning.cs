using System.Text.Json;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Begins a run, or continues the one in its folder where that is the same run.</summary>
internal static class RunBeginning
{
    /// <summary>The state to go on from; the vectors are read where the run is continued.</summary>
    /// <param name="checkpoint">The folder's.</param>
    /// <param name="vectors">What a checkpoint holds.</param>
    /// <param name="options">The run's options.</param>
    /// <param name="dataSha256">Hash of the training images and labels.</param>
    /// <param name="sourceSha256">As <see cref="RunState.SourceSha256"/>.</param>
    /// <returns>The state, and a sentence where a damaged checkpoint was passed over.</returns>
    /// <exception cref="InvalidOperationException">The folder's run has other options, other data, or other weights to start or to learn from.</exception>
    public static (RunState State, string? Warning) Of(
        RunCheckpoint checkpoint, Dictionary<string, Tensor> vectors, TrainingOptions options, string dataSha256, IReadOnlyList<string> sourceSha256)
    {
        if (!checkpoint.Exists)
        {
            return (new RunState(options.ToJson(), dataSha256, 0, 0, 0, 0, 0, []) { SourceSha256 = sourceSha256 }, null);
        }

        var (state, warning) = checkpoint.Load(vectors);
        if (!HasSameOptions(state, options))
        {
            throw new InvalidOperationException(
                $"The folder holds a run with other options{OptionDifference.Describe(state.OptionsJson, options)}. Continue it with its own (options.json), or choose another folder.");
        }

        // Checkpoints written before there were such sources name none.
        if (state.SourceSha256.Count > 0 && !state.SourceSha256.SequenceEqual(sourceSha256))
        {
            throw new InvalidOperationException(
                "The model that the folder's run started from, or a teacher, has other weights now, or the votes are others. Bring them back, or choose another folder.");
        }

        return state.DataSha256 == dataSha256
            ? (state, warning)
            : throw new InvalidOperationException("The folder holds a run on other training data. Choose another folder.");
    }

    private static bool HasSameOptions(RunState state, TrainingOptions options)
    {
        try
        {
            return TrainingOptions.FromJson(state.OptionsJson).IsSameAs(options);
        }
        catch (JsonException)
        {
            // Options of another version of this software.
            return false;
        }
    }
}
