using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;

namespace FerActors.Training.Runs;

/// <summary>Gathers what the model card says.</summary>
internal static class TrainingFacts
{
    private static string Cores => $"{Environment.ProcessorCount} cores ({RuntimeInformation.ProcessArchitecture})";

    /// <summary>Of a training run.</summary>
    public static ModelCardFacts For(
        TrainingRequest request, TrainedModel trained, VitCheckpoint shipped, TrainingSplit split, IReadOnlyList<EvaluationReport> evaluations) =>
        Of(shipped, split, request.Command, request.GitCommit, evaluations) with
        {
            BaseModel = Name(request.Options.InitFrom),
            Teacher = request.Options.Distillation.Teachers is { Count: > 0 } teachers ? string.Join(", ", teachers.Select(Name)) : null,
            FurtherLimitations = request.EndsHere && trained.State.Epoch < request.Options.Epochs
                ? [string.Create(CultureInfo.InvariantCulture, $"The training was ended after {trained.State.Epoch} of {request.Options.Epochs} epochs (step {trained.State.Step}), before its learning rate had come down.")]
                : [],
            Seed = (ulong)request.Options.Seed,
            Hyperparameters = Flatten(request.Options),
            TrainingTime = TimeSpan.FromSeconds(trained.State.Seconds),
            Hardware = $"{Cores}, computed in {string.Join(" and ", trained.State.ComputeTypes ?? [])} on {string.Join(" and ", trained.State.Devices ?? [])}",
        };

    /// <summary>Of any model folder of ours, however its weights were come by.</summary>
    /// <param name="shipped">The folder as it was read back.</param>
    /// <param name="split">The data.</param>
    /// <param name="command">The command that made it.</param>
    /// <param name="gitCommit">The commit of the code.</param>
    /// <param name="evaluations">What it reaches.</param>
    public static ModelCardFacts Of(
        VitCheckpoint shipped, TrainingSplit split, string command, string? gitCommit, IReadOnlyList<EvaluationReport> evaluations)
    {
        var config = shipped.Model.Config;
        return new ModelCardFacts
        {
            Name = config.FerActors.Name!,
            Version = config.FerActors.Version!,
            Summary = "Classifies the facial expression of one gray face crop of 48 x 48 pixels into FER2013's seven classes.",
            License = "other",
            Developers = "the FerActors project",
            GitCommit = gitCommit,
            Architecture = Architecture(config),
            Parameters = config.ParameterCount,
            InputSide = config.ImageSize,
            InputChannels = config.NumChannels,
            WeightsSha256 = shipped.WeightsSha256,
            DatasetNotes = split.Notes,
            TrainingImages = split.Train.Count,
            TrainingHistogram = split.Train.Histogram,
            TrainingDataSha256 = split.Train.Sha256,
            Preprocessing = Preprocessing(shipped.Preprocessor),
            Command = command,
            Hardware = Cores,
            Software = $".NET {Environment.Version}, libtorch {TorchRuntime.EnsureLoaded().Version}",
            Evaluations = evaluations,
            Date = DateOnly.FromDateTime(DateTime.UtcNow),
        };
    }

    // A folder's place on the trainer's disk is nobody's business; its name may help.
    public static string? Name(string? reference) => reference is null
        ? null
        : reference.StartsWith(TrainingSources.HubPrefix, StringComparison.OrdinalIgnoreCase)
            ? reference[TrainingSources.HubPrefix.Length..]
            : Path.GetFileName(Path.TrimEndingDirectorySeparator(reference));

    private static string Preprocessing(PreprocessorConfig config)
    {
        var range = config.ImageMean.Concat(config.ImageStd).All(v => v == 0.5)
            ? "Gray values are scaled to [-1, 1] (mean 0.5, deviation 0.5 after division by 255)."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"Gray values are divided by 255 and normalised by mean [{string.Join(", ", config.ImageMean)}] and deviation [{string.Join(", ", config.ImageStd)}].");
        return config.Height == FerDataset.Side && config.NumChannels == 1
            ? range
            : string.Create(CultureInfo.InvariantCulture, $"{range} The crop is resized to {config.Height} x {config.Width} and fills {config.NumChannels} channels.");
    }

    private static string Architecture(VitConfig config)
    {
        var stem = config.ConvStem is { } conv
            ? string.Create(CultureInfo.InvariantCulture, $"convolutional stem ({string.Join(", ", conv.Channels)} channels, {conv.ConvsPerStage} convolutions each{(conv.Residual ? ", residual" : "")})")
            : string.Create(CultureInfo.InvariantCulture, $"patches of {config.PatchSize} x {config.PatchSize}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Vision Transformer, {config.NumHiddenLayers} layers, width {config.HiddenSize}, {config.NumAttentionHeads} heads, {config.SequenceLength} tokens, {stem}");
    }

    private static List<KeyValuePair<string, string>> Flatten(TrainingOptions options)
    {
        var shown = options with
        {
            InitFrom = Name(options.InitFrom),
            Distillation = options.Distillation with { Teachers = [.. options.Distillation.Teachers.Select(t => Name(t)!)] },
        };
        using var json = JsonDocument.Parse(shown.ToJson());
        return Flatten("", json.RootElement).ToList();
    }

    private static IEnumerable<KeyValuePair<string, string>> Flatten(string prefix, JsonElement element) =>
        element.EnumerateObject().SelectMany(property => property.Value.ValueKind == JsonValueKind.Object
            ? Flatten($"{prefix}{property.Name}.", property.Value)
            : [new KeyValuePair<string, string>(prefix + property.Name, property.Value.ToString())]);
}
