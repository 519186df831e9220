using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using FerActors.Training.Augmentation;

namespace FerActors.Training.Engine;

/// <summary>Everything that decides the weights a run produces, besides the data.</summary>
public sealed record TrainingOptions
{
    /// <summary>One of <see cref="ModelPresets.Names"/>; of no account where <see cref="InitFrom"/> is set.</summary>
    public string Preset { get; init; } = ModelPresets.Conv;

    /// <summary>
    /// Where the weights start: a model folder in Hugging Face's layout, or a reference such as <c>hub:org/name@revision</c>;
    /// <see langword="null"/> for random weights of <see cref="Preset"/>. Its classifier is kept, in FER2013's order, where its
    /// labels are the seven expressions, and made anew where they are not.
    /// </summary>
    public string? InitFrom { get; init; }

    /// <summary>
    /// Side of the input in pixels, with <see cref="InitFrom"/> only: position embeddings of another grid are interpolated;
    /// <see langword="null"/> keeps the checkpoint's own. A multiple of its patch size.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>Which weights stay as they are: <see cref="Freezing.None"/>, <see cref="Freezing.Body"/> or <see cref="Freezing.FirstLayers"/>.</summary>
    public string Freeze { get; init; } = Freezing.None;

    /// <summary>With <see cref="Freezing.FirstLayers"/>: the embeddings and this many encoder layers are frozen, 0 to 256.</summary>
    public int FreezeLayers { get; init; }

    /// <summary>Passes over the training images, 1 to 10,000.</summary>
    public int Epochs { get; init; } = 30;

    /// <summary>Images for each optimiser step, 1 to 4,096. An incomplete last batch of an epoch is left out.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>
    /// In how many equal parts a batch is computed, their gradients being added up: memory for one part, and the step of the whole
    /// batch up to rounding. It divides <see cref="BatchSize"/>.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 8e-4;

    /// <summary>Learning rate of the last step.</summary>
    public double FinalLearningRate { get; init; } = 1e-5;

    /// <summary>Epochs over which the rate rises; may be a fraction.</summary>
    public double WarmupEpochs { get; init; } = 1;

    /// <summary>
    /// Layer-wise decay of the learning rate in (0, 1]: each layer has the rate of the one above it times this
    /// (see <see cref="LayerRates"/>); 1 is one rate for all.
    /// </summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Decoupled weight decay of matrices and kernels.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Who says what a training image shows, one of <see cref="LabelSource.Names"/>.</summary>
    public string Labels { get; init; } = LabelSource.Fer2013;

    /// <summary>With <see cref="LabelSource.Mixed"/>: share of the votes in the target, in [0, 1]; that of the data's own label is the rest.</summary>
    public double VotesShare { get; init; } = 0.5;

    /// <summary>Share of the target that is spread over all classes, in [0, 1).</summary>
    public double LabelSmoothing { get; init; } = 0.1;

    /// <summary>Weights of the classes in the loss, one of <see cref="ClassWeighting.Names"/>.</summary>
    public string ClassWeights { get; init; } = ClassWeighting.None;

    /// <summary>Beta of <see cref="ClassWeighting.EffectiveNumber"/>, in [0, 1).</summary>
    public double ClassWeightsBeta { get; init; } = 0.999;

    /// <summary>
    /// How far rare classes are shown more often, in [0, 1]: 0 is the data as they are, 1 every class as often
    /// (<see cref="EpochSampler.Balanced"/>).
    /// </summary>
    public double BalancedSampling { get; init; }

    /// <summary>Learning from other models' outputs.</summary>
    public DistillationOptions Distillation { get; init; } = new();

    /// <summary>Smaller images in the first epochs.</summary>
    public ProgressiveOptions Progressive { get; init; } = new();

    /// <summary>Stochastic depth of the last layer, in [0, 1); earlier layers in proportion.</summary>
    public double DropPath { get; init; } = 0.05;

    /// <summary>Decay of the moving average of the weights, per step, in [0, 1); what is evaluated and exported.</summary>
    public double EmaDecay { get; init; } = 0.998;

    /// <summary>Largest Euclidean norm of a step's gradients.</summary>
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>When a run ends before its last epoch.</summary>
    public EarlyStoppingOptions EarlyStopping { get; init; } = new();

    /// <summary>
    /// Which weights the run ends with: <c>last</c>, or <c>best</c> by <see cref="EarlyStoppingOptions.Metric"/>. With early
    /// stopping switched on it is always the best.
    /// </summary>
    public string Export { get; init; } = "last";

    /// <summary>Seed of the weights, the order of the images, their augmentation and the stochastic depth.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Compute type of the forward and backward pass, one of <see cref="ComputeChoice.Names"/>; weights and optimiser are fp32 always.</summary>
    public string Compute { get; init; } = ComputeChoice.Auto;

    /// <summary>Threads that compute; 0 is one for each core. Another number changes the rounding.</summary>
    public int Threads { get; init; }

    /// <summary>How single images are varied.</summary>
    public AugmentationOptions Augmentation { get; init; } = new();

    /// <summary>How images of a batch are mixed. A short run learns little from strong mixing, so the default is mild.</summary>
    public MixOptions Mix { get; init; } = new() { Probability = 0.3, MixupAlpha = 0.4, CutMixAlpha = 1, CutMixShare = 0.5 };

    /// <summary>Whether the weights of the best epoch are what the run ends with.</summary>
    [JsonIgnore]
    public bool EndsWithBest => Export == "best" || EarlyStopping.Patience > 0;

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
        Check(InitFrom is null || InitFrom.Trim().Length > 0, "init_from is empty; leave it out for random weights.");
        Check(ImageSize is null or (>= 16 and <= 1024), $"image_size is {ImageSize}; it must be from 16 to 1024.");
        Check(ImageSize is null || InitFrom is not null, "image_size is set without init_from; a preset has a size of its own.");
        Check(Freezing.Names.Contains(Freeze), $"freeze is '{Freeze}'; it must be {string.Join(" or ", Freezing.Names)}.");
        Check(FreezeLayers is >= 0 and <= 256, $"freeze_layers is {FreezeLayers}; it must be from 0 to 256.");
        Check(
            FreezeLayers == 0 || Freeze == Freezing.FirstLayers,
            $"freeze_layers is {FreezeLayers}, but freeze is '{Freeze}'; it counts with freeze '{Freezing.FirstLayers}' only.");
        Check(Epochs is >= 1 and <= 10_000, $"epochs is {Epochs}; it must be from 1 to 10000.");
        Check(BatchSize is >= 1 and <= 4096, $"batch_size is {BatchSize}; it must be from 1 to 4096.");
        Check(
            Accumulate >= 1 && Accumulate <= BatchSize && BatchSize % Accumulate == 0,
            $"accumulate is {Accumulate}; it must be at least 1 and divide batch_size ({BatchSize}).");
        Check(LearningRate is > 0 and <= 10, $"learning_rate is {LearningRate}; it must be above 0 and at most 10.");
        Check(FinalLearningRate >= 0 && FinalLearningRate <= LearningRate, $"final_learning_rate is {FinalLearningRate}; it must be from 0 to learning_rate.");
        Check(WarmupEpochs >= 0 && WarmupEpochs <= Epochs, $"warmup_epochs is {WarmupEpochs}; it must be from 0 to epochs.");
        Check(LayerDecay is > 0 and <= 1, $"layer_decay is {LayerDecay}; it must be above 0 and at most 1.");
        Check(WeightDecay is >= 0 and <= 10, $"weight_decay is {WeightDecay}; it must be from 0 to 10.");
        Check(LabelSource.Names.Contains(Labels), $"labels is '{Labels}'; it must be {string.Join(" or ", LabelSource.Names)}.");
        Check(VotesShare is >= 0 and <= 1, $"votes_share is {VotesShare}; it must be from 0 to 1.");
        Check(LabelSmoothing is >= 0 and < 1, $"label_smoothing is {LabelSmoothing}; it must be at least 0 and below 1.");
        Check(ClassWeighting.Names.Contains(ClassWeights), $"class_weights is '{ClassWeights}'; it must be {string.Join(" or ", ClassWeighting.Names)}.");
        Check(ClassWeightsBeta is >= 0 and < 1, $"class_weights_beta is {ClassWeightsBeta}; it must be at least 0 and below 1.");
        Check(BalancedSampling is >= 0 and <= 1, $"balanced_sampling is {BalancedSampling}; it must be from 0 to 1.");
        Check(Export is "last" or "best", $"export is '{Export}'; it must be 'last' or 'best'.");
        errors.AddRange(Distillation.Mistakes().Select(m => $"distillation.{m}"));
        errors.AddRange(Progressive.Mistakes().Select(m => $"progressive.{m}"));
        errors.AddRange(EarlyStopping.Mistakes().Select(m => $"early_stopping.{m}"));
        Check(DropPath is >= 0 and < 1, $"drop_path is {DropPath}; it must be at least 0 and below 1.");
        Check(EmaDecay is >= 0 and < 1, $"ema_decay is {EmaDecay}; it must be at least 0 and below 1.");
        Check(ClipNorm > 0 && double.IsFinite(ClipNorm), $"clip_norm is {ClipNorm}; it must be above 0 and finite.");
        Check(ComputeChoice.Names.Contains(Compute), $"compute is '{Compute}'; it must be {string.Join(" or ", ComputeChoice.Names)}.");
        Check(Threads is >= 0 and <= 1024, $"threads is {Threads}; it must be from 0 to 1024.");
        errors.AddRange(Augmentation.Mistakes().Select(m => Range("augmentation", m)));
        errors.AddRange(Mix.Mistakes().Select(m => Range("mix", m)));
        return errors;

        static string Range(string section, (string Name, string Range) mistake) =>
            $"{section}.{JsonNamingPolicy.SnakeCaseLower.ConvertName(mistake.Name)} has to lie within {mistake.Range}.";
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

    /// <summary>Whether both lead to the same run. A record's own comparison knows lists by reference only.</summary>
    public bool IsSameAs(TrainingOptions other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return ToJson() == other.ToJson();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TrainingOptions))]
[JsonSerializable(typeof(RunState))]
[JsonSerializable(typeof(Configuration.RunSettings))]
internal sealed partial class TrainingJsonContext : JsonSerializerContext;
