using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>The network that a run starts from: a preset with random weights, or a checkpoint made ready for the seven expressions.</summary>
internal sealed class InitialModel
{
    private readonly TrainingOptions _options;
    private readonly string? _folder;
    private readonly LabelMap? _labels;

    /// <summary>Reads the configuration; the weights are read by <see cref="Load"/>.</summary>
    /// <param name="options">The run's options.</param>
    /// <param name="folder">Folder of <see cref="TrainingOptions.InitFrom"/>; <see langword="null"/> for random weights.</param>
    /// <exception cref="CheckpointException">The folder is no model folder.</exception>
    /// <exception cref="VitConfigException">Its configuration cannot be used, or not at the wanted size.</exception>
    public InitialModel(TrainingOptions options, string? folder)
    {
        _options = options;
        _folder = folder;
        if (folder is null)
        {
            Config = ModelPresets.Get(options.Preset);
            Preprocessor = PreprocessorConfig.For(Config);
            return;
        }

        var path = Path.Combine(folder, VitConfig.FileName);
        if (!File.Exists(path))
        {
            throw new CheckpointException($"init_from: the folder '{folder}' has no {VitConfig.FileName}.");
        }

        var config = VitConfig.Load(path);
        _labels = TryMap(config.Labels);
        Config = config with
        {
            ImageSize = options.ImageSize ?? config.ImageSize,
            Labels = LabelMap.Fer2013Labels,
            FerActors = new FerActorsSection(),
        };
        Config.EnsureValid();
        var preprocessor = Path.Combine(folder, PreprocessorConfig.FileName);
        Preprocessor = (File.Exists(preprocessor) ? PreprocessorConfig.Load(preprocessor, config.NumChannels) : PreprocessorConfig.For(config))
            with
        { Height = Config.ImageSize, Width = Config.ImageSize };
    }

    /// <summary>The network, its outputs in FER2013's order.</summary>
    public VitConfig Config { get; }

    /// <summary>What its input has to look like.</summary>
    public PreprocessorConfig Preprocessor { get; }

    /// <summary>The weights, fp32 on the CPU, and the SHA-256 of their file (<see langword="null"/> for random ones).</summary>
    /// <exception cref="CheckpointException">The file does not make up the network.</exception>
    public (Vit Model, string? Sha256) Load()
    {
        if (_folder is null)
        {
            return (Vit.Create(Config, _options.Seed), null);
        }

        var checkpoint = VitCheckpoint.Load(_folder, new VitLoadOptions(
            AllowFreshClassifier: true,
            InterpolatePositions: _options.ImageSize is not null,
            ImageSize: _options.ImageSize,
            Labels: _labels is null ? LabelMap.Fer2013Labels : null,
            Seed: _options.Seed,
            ReplaceClassifier: _labels is null));
        var tensors = checkpoint.Model.Tensors.ToDictionary();
        if (_labels is { IsIdentity: false } && !checkpoint.FreshClassifier)
        {
            foreach (var name in CheckpointKeys.ClassifierNames)
            {
                tensors[name] = InOurOrder(tensors[name], _labels);
            }
        }

        return (Vit.FromTensors(Config, tensors), checkpoint.WeightsSha256);
    }

    // Row e of the result is the row of the output that means expression e.
    private static Tensor InOurOrder(Tensor rows, LabelMap labels)
    {
        var order = new long[labels.OutputToExpression.Length];
        foreach (var (output, expression) in labels.OutputToExpression.Index())
        {
            order[expression] = output;
        }

        using (rows)
        using (var index = tensor(order))
        {
            return rows.index_select(0, index);
        }
    }

    private static LabelMap? TryMap(IReadOnlyList<string> labels)
    {
        try
        {
            return LabelMap.Create(labels);
        }
        catch (VitConfigException)
        {
            // Other classes, or placeholders: their classifier says nothing of expressions.
            return null;
        }
    }
}
