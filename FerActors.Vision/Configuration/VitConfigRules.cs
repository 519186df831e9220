namespace FerActors.Vision.Configuration;

/// <summary>
/// The rules of a usable configuration. The bounds are far above any published ViT and keep a hostile file from asking for more
/// memory than a machine has before its weights are even looked at.
/// </summary>
internal static class VitConfigRules
{
    public const int MaxHiddenSize = 16_384;
    public const int MaxLayers = 256;
    public const int MaxHeads = 1024;
    public const int MaxIntermediateSize = 65_536;
    public const int MaxImageSize = 4096;
    public const int MaxPatches = 16_384;
    public const int MaxLabels = 100_000;
    public const int MaxLabelLength = 1024;
    public const long MaxParameters = 1L << 32;

    public static IReadOnlyList<string> Check(VitConfig config)
    {
        var errors = new List<string>();
        Range(errors, "hidden_size", config.HiddenSize, MaxHiddenSize);
        Range(errors, "num_hidden_layers", config.NumHiddenLayers, MaxLayers);
        Range(errors, "num_attention_heads", config.NumAttentionHeads, MaxHeads);
        Range(errors, "intermediate_size", config.IntermediateSize, MaxIntermediateSize);
        Range(errors, "image_size", config.ImageSize, MaxImageSize);
        Range(errors, "patch_size", config.PatchSize, MaxImageSize);
        Require(errors, Enum.IsDefined(config.HiddenAct), "hidden_act is none of the supported activations.");
        Require(errors, config.NumChannels is 1 or 3, $"num_channels is {config.NumChannels}, neither 1 nor 3.");
        Require(errors, config.HiddenDropoutProb is >= 0 and < 1, "hidden_dropout_prob is not in [0, 1).");
        Require(errors, config.AttentionProbsDropoutProb is >= 0 and < 1, "attention_probs_dropout_prob is not in [0, 1).");
        Require(errors, config.InitializerRange is > 0 and <= 1, "initializer_range is not in (0, 1].");
        Require(errors, config.LayerNormEps is > 0 and <= 0.1, "layer_norm_eps is not in (0, 0.1].");
        Require(
            errors,
            config.ProblemType is null or "single_label_classification",
            $"problem_type '{config.ProblemType}' is not single_label_classification: its outputs are no probabilities of one class.");
        CheckLabels(errors, config.Labels);
        CheckSection(errors, config.FerActors);
        CheckStem(errors, config);

        // Only sizes within their bounds can be divided and multiplied.
        if (errors.Count == 0)
        {
            Require(
                errors,
                config.HiddenSize % config.NumAttentionHeads == 0,
                $"hidden_size {config.HiddenSize} is not a multiple of num_attention_heads {config.NumAttentionHeads}.");
            Require(
                errors,
                config.ImageSize % config.PatchSize == 0,
                $"image_size {config.ImageSize} is not a multiple of patch_size {config.PatchSize}.");
            Require(
                errors,
                config.GridSize <= MaxPatches / Math.Max(1, config.GridSize),
                $"image_size {config.ImageSize} and patch_size {config.PatchSize} give more than {MaxPatches} patches.");
            Require(
                errors,
                config.ParameterCount <= MaxParameters,
                $"The network would have {config.ParameterCount} parameters, more than {MaxParameters}.");
        }

        return errors;
    }

    private static void CheckLabels(List<string> errors, IReadOnlyList<string> labels)
    {
        Require(errors, labels.Count is >= 1 and <= MaxLabels, $"id2label has {labels.Count} labels, not 1 to {MaxLabels}.");
        Require(
            errors,
            labels.All(label => label is { Length: <= MaxLabelLength }),
            $"id2label has a label that is absent or longer than {MaxLabelLength} characters.");
    }

    private static void CheckSection(List<string> errors, FerActorsSection section)
    {
        Require(
            errors,
            double.IsFinite(section.Temperature) && section.Temperature > 0,
            "fer_actors.temperature is not a finite number above 0.");
        Require(
            errors,
            section.CalibratedOn is null or FerActorsSection.Votes,
            $"fer_actors.calibrated_on is not '{FerActorsSection.Votes}'; leave it out for the data's labels.");
        foreach (var (name, text) in new[] { ("name", section.Name), ("version", section.Version) })
        {
            Require(
                errors,
                text is null || (text.Length <= FerActorsSection.MaxTextLength && !text.Any(char.IsControl)),
                $"fer_actors.{name} is over {FerActorsSection.MaxTextLength} characters or has control characters.");
        }
    }

    private static void CheckStem(List<string> errors, VitConfig config)
    {
        if (config.ConvStem is not { } stem)
        {
            return;
        }

        if (stem.Channels.Count is < 1 or > ConvStemConfig.MaxStages)
        {
            errors.Add($"conv_stem.channels has {stem.Channels.Count} stages, not 1 to {ConvStemConfig.MaxStages}.");
        }
        else
        {
            Require(
                errors,
                config.PatchSize == stem.PatchSize,
                $"patch_size is {config.PatchSize}, but a stem of {stem.Channels.Count} stages makes patches of {stem.PatchSize}.");
        }

        Require(
            errors,
            stem.Channels.All(channels => channels is >= 1 and <= ConvStemConfig.MaxChannels),
            $"conv_stem.channels has an entry that is not 1 to {ConvStemConfig.MaxChannels}.");
        Range(errors, "conv_stem.convs_per_stage", stem.ConvsPerStage, ConvStemConfig.MaxConvsPerStage);
        Require(
            errors,
            !stem.Residual || (stem.ConvsPerStage % 2 == 1 && stem.ConvsPerStage > 1),
            $"conv_stem.convs_per_stage is {stem.ConvsPerStage}; a residual stem has one and some pairs: 3, 5 or 7.");
    }

    private static void Range(List<string> errors, string name, int value, int most) =>
        Require(errors, value >= 1 && value <= most, $"{name} is {value}, not 1 to {most}.");

    private static void Require(List<string> errors, bool holds, string error)
    {
        if (!holds)
        {
            errors.Add(error);
        }
    }
}
