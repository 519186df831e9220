namespace FerActors.Training.Evaluation;

/// <summary>What a model card states about one model version. Everything that differs between versions is a field here.</summary>
public sealed record ModelCardFacts
{
    /// <summary>The model's name, for instance <c>feractors-vit-compact</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The version in the registry.</summary>
    public required string Version { get; init; }

    /// <summary>One or two sentences: what it is.</summary>
    public required string Summary { get; init; }

    /// <summary>Licence identifier of the weights as the Hub knows it (<c>mit</c>, <c>apache-2.0</c>, <c>other</c>).</summary>
    public required string License { get; init; }

    /// <summary>Who made it.</summary>
    public required string Developers { get; init; }

    /// <summary>Where to write to; null leaves a sentence that says so.</summary>
    public string? Contact { get; init; }

    /// <summary>Address of the source code.</summary>
    public string? Repository { get; init; }

    /// <summary>Commit of the code that trained it.</summary>
    public string? GitCommit { get; init; }

    /// <summary>The checkpoint that training started from, as <c>org/name</c>; null means from scratch.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The models whose weights were averaged; the card then names them instead of <see cref="BaseModel"/>.</summary>
    public IReadOnlyList<string> AverageOf { get; init; } = [];

    /// <summary>The teacher of a distillation.</summary>
    public string? Teacher { get; init; }

    /// <summary>Layers, widths, patch size: the architecture in words.</summary>
    public required string Architecture { get; init; }

    /// <summary>Number of trained numbers.</summary>
    public required long Parameters { get; init; }

    /// <summary>Width and height of the network's input in pixels.</summary>
    public required int InputSide { get; init; }

    /// <summary>Channels of the network's input: 1, or 3 that all hold the grey value.</summary>
    public int InputChannels { get; init; } = 1;

    /// <summary>SHA-256 of the weights file in hex.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>The data set's name.</summary>
    public string DatasetName { get; init; } = "FER2013";

    /// <summary>What a reader has to know of this copy of the data: origin, changes, duplicates left out.</summary>
    public required string DatasetNotes { get; init; }

    /// <summary>Images trained on.</summary>
    public required int TrainingImages { get; init; }

    /// <summary>Images of each class trained on: 7 numbers in FER2013 order.</summary>
    public required IReadOnlyList<int> TrainingHistogram { get; init; }

    /// <summary><see cref="Data.FerDataset.Sha256"/> of the images trained on.</summary>
    public required string TrainingDataSha256 { get; init; }

    /// <summary>What happens to an image before the network sees it, in training and in use.</summary>
    public required string Preprocessing { get; init; }

    /// <summary>The command that made the model.</summary>
    public required string Command { get; init; }

    /// <summary>The run's seed; null where the model is no single run's.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Name and value of each hyperparameter, in the order to show. Empty where the model is no single run's.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Hyperparameters { get; init; } = [];

    /// <summary>How long the training took.</summary>
    public TimeSpan? TrainingTime { get; init; }

    /// <summary>The machine that it was trained on.</summary>
    public required string Hardware { get; init; }

    /// <summary>The libraries and their versions.</summary>
    public required string Software { get; init; }

    /// <summary>The evaluations, the most important first. May be empty: the card then says that there are none.</summary>
    public required IReadOnlyList<EvaluationReport> Evaluations { get; init; }

    /// <summary>Limitations of this version beyond those that hold for every model of its kind.</summary>
    public IReadOnlyList<string> FurtherLimitations { get; init; } = [];

    /// <summary>Tags beside the usual ones.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Day of the training's end.</summary>
    public required DateOnly Date { get; init; }
}
