using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using FerActors.Training.Augmentation;

namespace FerActors.Training.Engine;

/// <summary>Everything that decides the weights a run produces, besides the data.</summary>
public sealed record TrainingOptions
{
    /// <summary>One of <see cref="ModelPresets.Names"/>.</summary>
    public string Preset { get; init; } = ModelPresets.Conv;

    /// <summary>Passes over the training images, 1 to 10,000.</summary>
    public int Epochs { get; init; } = 30;

    /// <summary>Images for each optimiser step, 1 to 4,096. An incomplete last batch of an epoch is left out.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 8e-4;

    /// <summary>Learning rate of the last step.</summary>
    public double FinalLearningRate { get; init; } = 1e-5;

    /// <summary>Epochs over which the rate rises; may be a fraction.</summary>
    public double WarmupEpochs { get; init; } = 1;

    /// <summary>Decoupled weight decay of matrices and kernels.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Share of the target that is spread over all classes, in [0, 1).</summary>
    public double LabelSmoothing { get; init; } = 0.1;

    /// <summary>Stochastic depth of the last layer, in [0, 1); earlier layers in proportion.</summary>
    public double DropPath { get; init; } = 0.05;

    /// <summary>Decay of the moving average of the weights, per step, in [0, 1); what is evaluated and exported.</summary>
    public double EmaDecay { get; init; } = 0.998;

    /// <summary>Largest Euclidean norm of a step's gradients.</summary>
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>Seed of the weights, the order of the images, their augmentation and the stochastic depth.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Compute type of the forward and backward pass: <c>bf16</c> or <c>fp32</c>; weights and optimiser are fp32 always.</summary>
    public string Compute { get; init; } = "bf16";

    /// <summary>Threads of libtorch; 0 is one for each core.</summary>
    public int Threads { get; init; }

    /// <summary>How single images are varied.</summary>
    public AugmentationOptions Augmentation { get; init; } = new();

    /// <summary>How images of a batch are mixed. A short run learns little from strong mixing, so the default is mild.</summary>
    public MixOptions Mix { get; init; } = new() { Probability = 0.3, MixupAlpha = 0.4, CutMixAlpha = 1, CutMixShare = 0.5 };

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        void Check(bool good, string error)
        {
            if (!good)
            {
                errors.Add(error);
            }
        }

        Check(ModelPresets.Names.Contains(Preset), $"preset '{Preset}' is unknown; known are {string.Join(", ", ModelPresets.Names)}.");
        Check(Epochs is >= 1 and <= 10_000, $"epochs is {Epochs}; it must be from 1 to 10000.");
        Check(BatchSize is >= 1 and <= 4096, $"batch_size is {BatchSize}; it must be from 1 to 4096.");
        Check(LearningRate is > 0 and <= 10, $"learning_rate is {LearningRate}; it must be above 0 and at most 10.");
        Check(FinalLearningRate >= 0 && FinalLearningRate <= LearningRate, $"final_learning_rate is {FinalLearningRate}; it must be from 0 to learning_rate.");
        Check(WarmupEpochs >= 0 && WarmupEpochs <= Epochs, $"warmup_epochs is {WarmupEpochs}; it must be from 0 to epochs.");
        Check(WeightDecay is >= 0 and <= 10, $"weight_decay is {WeightDecay}; it must be from 0 to 10.");
        Check(LabelSmoothing is >= 0 and < 1, $"label_smoothing is {LabelSmoothing}; it must be at least 0 and below 1.");
        Check(DropPath is >= 0 and < 1, $"drop_path is {DropPath}; it must be at least 0 and below 1.");
        Check(EmaDecay is >= 0 and < 1, $"ema_decay is {EmaDecay}; it must be at least 0 and below 1.");
        Check(ClipNorm > 0 && double.IsFinite(ClipNorm), $"clip_norm is {ClipNorm}; it must be above 0 and finite.");
        Check(Compute is "bf16" or "fp32", $"compute is '{Compute}'; it must be 'bf16' or 'fp32'.");
        Check(Threads is >= 0 and <= 1024, $"threads is {Threads}; it must be from 0 to 1024.");
        AddRefusal(Augmentation.Validate);
        AddRefusal(Mix.Validate);
        return errors;

        void AddRefusal(Action validate)
        {
            try
            {
                validate();
            }
            catch (ArgumentException e)
            {
                errors.Add(e.Message);
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, TrainingJsonContext.Default.TrainingOptions);

    /// <summary>Reads options; what is left out has its default.</summary>
    /// <exception cref="JsonException">The text is not such options; an unknown name counts as a mistake.</exception>
    public static TrainingOptions FromJson(string json)
    {
        // The generated reader gives a property that is left out the default of its type, not that of the record.
        var options = JsonNode.Parse(new TrainingOptions().ToJson())!.AsObject();
        Overlay(options, Read(json));
        return options.Deserialize(TrainingJsonContext.Default.TrainingOptions)!;
    }

    private static JsonObject Read(string json)
    {
        var reading = new JsonDocumentOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            AllowDuplicateProperties = false,
        };
        return JsonNode.Parse(json, documentOptions: reading) as JsonObject ?? throw new JsonException("The options are no JSON object.");
    }

    private static void Overlay(JsonObject options, JsonObject given)
    {
        foreach (var (name, value) in given)
        {
            if (value is JsonObject inner && options[name] is JsonObject section)
            {
                Overlay(section, inner);
            }
            else
            {
                options[name] = value?.DeepClone();
            }
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TrainingOptions))]
[JsonSerializable(typeof(RunState))]
internal sealed partial class TrainingJsonContext : JsonSerializerContext;
