using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Native;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>
/// A model folder in Hugging Face's layout: <c>config.json</c>, <c>preprocessor_config.json</c>, <c>model.safetensors</c> (read also where
/// it is cut into several files with an index).
/// </summary>
/// <remarks>Weights come from safetensors only. A pickle (<c>pytorch_model.bin</c>) can run code when it is read and is never opened.</remarks>
/// <param name="Model">fp32, on the CPU.</param>
/// <param name="Preprocessor">What its input has to look like.</param>
/// <param name="WeightsSha256">SHA-256 of the weights, lower-case hex; <see cref="CheckpointWeights.Sha256"/>.</param>
/// <param name="FreshClassifier">The file had no classifier, and one was made; the model has to be fine-tuned before it says anything.</param>
public sealed record VitCheckpoint(Vit Model, PreprocessorConfig Preprocessor, string WeightsSha256, bool FreshClassifier) : IDisposable
{
    public const string WeightsFileName = CheckpointWeights.SingleFileName;

    /// <summary>Loads a folder for serving: everything must be there and fit.</summary>
    /// <exception cref="CheckpointException">The folder, or a file in it, cannot be used; the message says why.</exception>
    /// <exception cref="VitConfigException">A configuration file cannot be used.</exception>
    /// <exception cref="SafetensorsFormatException">The weights file is damaged.</exception>
    public static VitCheckpoint Load(string folder) => Load(folder, VitLoadOptions.Serving);

    /// <summary>Loads a folder.</summary>
    /// <inheritdoc cref="Load(string)"/>
    public static VitCheckpoint Load(string folder, VitLoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!CheckpointWeights.Exists(folder))
        {
            RequireFile(folder, WeightsFileName);
        }

        var config = VitConfig.Load(RequireFile(folder, VitConfig.FileName));
        if (options.ImageSize is { } size)
        {
            config = config with { ImageSize = size };
        }

        if (options.Labels is { } labels)
        {
            config = config with { Labels = labels };
        }

        config.EnsureValid();
        var preprocessorPath = Path.Combine(folder, PreprocessorConfig.FileName);
        var preprocessor = File.Exists(preprocessorPath)
            ? PreprocessorConfig.Load(preprocessorPath, config.NumChannels)
            : PreprocessorConfig.For(config);
        TorchRuntime.EnsureLoaded();

        using var weights = CheckpointWeights.Open(folder);
        var (model, fresh) = Read(weights, config, options);
        return new VitCheckpoint(model, preprocessor with { Height = config.ImageSize, Width = config.ImageSize }, weights.Sha256, fresh);
    }

    /// <summary>Writes a folder. Each file is replaced as a whole.</summary>
    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="model">The model; fp32 on any device.</param>
    /// <param name="preprocessor">Its preprocessing.</param>
    /// <param name="half">Stores fp16 instead of fp32.</param>
    public static void Save(string folder, Vit model, PreprocessorConfig preprocessor, bool half)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(preprocessor);
        Directory.CreateDirectory(folder);
        (model.Config with { TorchDType = half ? "float16" : "float32" }).Save(Path.Combine(folder, VitConfig.FileName));
        preprocessor.Save(Path.Combine(folder, PreprocessorConfig.FileName));
        var tensors = model.Tensors.Select(t =>
        {
            using var noGrad = no_grad();
            using var cpu = t.Value.to(ScalarType.Float32).cpu().contiguous();
            var values = cpu.data<float>().ToArray();
            return half
                ? TensorData.FromFloat16(t.Key, t.Value.shape, values)
                : TensorData.FromFloat32(t.Key, t.Value.shape, values);
        }).ToList();

        // The key by which Hugging Face's loader knows who wrote the file.
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFileName), tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }

    public void Dispose() => Model.Dispose();

    private static (Vit Model, bool Fresh) Read(CheckpointWeights weights, VitConfig config, VitLoadOptions options)
    {
        var map = CheckpointKeys.Map(weights.Tensors.Keys, config);
        map.EnsureComplete(requireClassifier: !options.AllowFreshClassifier);
        var mayDiffer = new List<string>();
        if (options.InterpolatePositions)
        {
            mayDiffer.Add(CheckpointKeys.Positions);
        }

        if (options.AllowFreshClassifier)
        {
            mayDiffer.AddRange(CheckpointKeys.ClassifierNames);
        }

        map.EnsureShapes(weights.Tensors, mayDiffer);
        var otherClasses = map.FindShapeMismatches(weights.Tensors).Any(m => CheckpointKeys.ClassifierNames.Contains(m.Name));
        var fresh = !map.HasClassifier || otherClasses;
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, shape) in CheckpointKeys.ExpectedShapes(config))
        {
            if (fresh && CheckpointKeys.ClassifierNames.Contains(name))
            {
                continue;
            }

            var values = weights.ReadAsFloat32(map.Sources[name]);
            if (name == CheckpointKeys.Positions)
            {
                values = FitPositions(values, config);
            }

            tensors[name] = tensor(values, shape);
        }

        if (fresh)
        {
            Vit.InitialiseClassifier(config, tensors, options.Seed);
        }

        return (Vit.FromTensors(config, tensors), fresh);
    }

    private static float[] FitPositions(float[] positions, VitConfig config)
    {
        var tokens = positions.Length / config.HiddenSize;
        if (tokens == config.SequenceLength)
        {
            return positions;
        }

        var grid = (int)Math.Round(Math.Sqrt(tokens - 1));
        return (grid * grid) + 1 == tokens
            ? PositionEmbeddings.Resize(positions, config.HiddenSize, grid, config.GridSize)
            : throw new CheckpointException($"The position embeddings have {tokens - 1} patches, which form no square grid.");
    }

    private static string RequireFile(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (File.Exists(path))
        {
            return path;
        }

        var hint = name == WeightsFileName && Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.bin").Any()
            ? " The folder has a pickle (.bin), which can run code when it is read and is never loaded; convert it to safetensors."
            : "";
        throw new CheckpointException($"The model folder '{folder}' has no {name}.{hint}");
    }
}

/// <summary>How a folder is loaded.</summary>
/// <param name="AllowFreshClassifier">A missing classifier, or one with another number of classes, is made anew (for fine-tuning).</param>
/// <param name="InterpolatePositions">Position embeddings of another grid are interpolated.</param>
/// <param name="ImageSize">Overrides the configuration's input side.</param>
/// <param name="Labels">Overrides the configuration's labels, for a fresh classifier.</param>
/// <param name="Seed">Of the fresh classifier.</param>
public sealed record VitLoadOptions(
    bool AllowFreshClassifier, bool InterpolatePositions, int? ImageSize = null, IReadOnlyList<string>? Labels = null, long Seed = 0)
{
    /// <summary>Everything must be there and fit.</summary>
    public static VitLoadOptions Serving { get; } = new(AllowFreshClassifier: false, InterpolatePositions: false);
}
