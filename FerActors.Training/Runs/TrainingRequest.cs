using FerActors.Training.Engine;

namespace FerActors.Training.Runs;

/// <summary>What a run is asked to do: where the data is, where things go, and the options.</summary>
public sealed record TrainingRequest
{
    /// <summary>CSV (plain, .gz, .zip) or image folder.</summary>
    public required string DataPath { get; init; }

    /// <summary>The votes of FER+ beside the data, <c>fer2013new.csv</c>; <see langword="null"/> for none.</summary>
    public string? VotesPath { get; init; }

    /// <summary>The run's folder: options, checkpoints, log. A run found there is continued.</summary>
    public required string RunFolder { get; init; }

    /// <summary>The model folder that is written at the end.</summary>
    public required string ModelFolder { get; init; }

    public required TrainingOptions Options { get; init; }

    /// <summary>The model's name; the folder's where absent.</summary>
    public string? Name { get; init; }

    public string Version { get; init; } = "1";

    /// <summary>The command line, for the model card.</summary>
    public required string Command { get; init; }

    /// <summary>The commit of the code, for the model card.</summary>
    public string? GitCommit { get; init; }

    /// <summary>Keeps training images that also stand, exactly or nearly, in an evaluation split. Figures then flatter.</summary>
    public bool KeepDuplicates { get; init; }

    /// <summary>What part of the training images judges the model, where the data have no validation images.</summary>
    public HoldOut HoldOut { get; init; } = HoldOut.None;

    /// <summary>What the folders of an image folder's classes are called, one of <see cref="Data.FolderLabels.Names"/>.</summary>
    public string FolderLabels { get; init; } = Data.FolderLabels.Words;

    /// <summary>Trains no further: makes the model of what the run in the folder has so far.</summary>
    public bool EndsHere { get; init; }

    /// <summary>Where the run computes, as <see cref="ComputeDevice.Choose"/> takes it.</summary>
    public string Device { get; init; } = ComputeDevice.Auto;

    /// <summary>The devices that there are; <see langword="null"/> asks libtorch (<see cref="ComputeDevice.Present"/>).</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>Stores the weights as fp16.</summary>
    public bool Half { get; init; } = true;

    /// <summary>
    /// Gives a local model folder for <c>org/name[@revision]</c>, what stands behind <c>hub:</c> in the options;
    /// <see langword="null"/> refuses such references.
    /// </summary>
    public Func<string, CancellationToken, Task<string>>? FetchFromHub { get; init; }

    /// <summary>Time between checkpoints within an epoch.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromMinutes(2);
}
