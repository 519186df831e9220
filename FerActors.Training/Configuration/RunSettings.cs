using FerActors.Training.Engine;

namespace FerActors.Training.Configuration;

/// <summary>What a run is about besides <see cref="Engine.TrainingOptions"/>: data, places and names. They do not change the weights.</summary>
public sealed record RunSettings
{
    /// <summary>fer2013.csv, plain or .gz or .zip, or an image folder.</summary>
    public string? Data { get; init; }

    /// <summary>The votes of FER+ beside the data, <c>fer2013new.csv</c>; <see langword="null"/> for none.</summary>
    public string? Votes { get; init; }

    /// <summary>The model folder that is written at the end.</summary>
    public string? Model { get; init; }

    /// <summary>The run's folder; <c>runs/</c> and the model folder's name where absent.</summary>
    public string? Run { get; init; }

    /// <summary>The model's name; the folder's where absent.</summary>
    public string? Name { get; init; }

    /// <summary>The model's version.</summary>
    public string Version { get; init; } = "1";

    /// <summary>Keeps training images that also stand in an evaluation split.</summary>
    public bool KeepDuplicates { get; init; }

    /// <summary>Share of each class's training images that judge the model where the data have no validation images: 0 (none) to below 0.5.</summary>
    public double HoldOut { get; init; }

    /// <summary>Which training images are held out, 0 or more.</summary>
    public int HoldOutSeed { get; init; }

    /// <summary>What the folders of an image folder's classes are called, one of <see cref="Data.FolderLabels.Names"/>.</summary>
    public string FolderLabels { get; init; } = FerActors.Training.Data.FolderLabels.Words;

    /// <summary>Where the run computes, as <see cref="ComputeDevice.Choose"/> takes it; a run may be continued on another device.</summary>
    public string Device { get; init; } = ComputeDevice.Auto;

    /// <summary>Stores the weights as fp32 instead of fp16.</summary>
    public bool Fp32Weights { get; init; }

    /// <summary>Seconds between checkpoints within an epoch, 0 (after every step) to 86,400.</summary>
    public double CheckpointSeconds { get; init; } = 120;

    /// <summary>All mistakes at once, each a sentence.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        if (string.IsNullOrWhiteSpace(Data))
        {
            errors.Add("data is missing; name fer2013.csv or an image folder.");
        }

        if (Votes is not null && string.IsNullOrWhiteSpace(Votes))
        {
            errors.Add("votes is empty; leave it out, or name fer2013new.csv.");
        }

        if (string.IsNullOrWhiteSpace(Model))
        {
            errors.Add("model is missing; name the model folder to write.");
        }

        if (string.IsNullOrWhiteSpace(Version))
        {
            errors.Add("version is empty.");
        }

        if (HoldOut is not (>= 0 and < FerActors.Training.Runs.HoldOut.LargestShare))
        {
            errors.Add($"hold_out is {HoldOut}; it must be from 0 to below {FerActors.Training.Runs.HoldOut.LargestShare}.");
        }

        if (HoldOutSeed < 0)
        {
            errors.Add($"hold_out_seed is {HoldOutSeed}; it must be 0 or more.");
        }

        errors.AddRange(new[] { FerActors.Training.Data.FolderLabels.Mistake(FolderLabels), ComputeDevice.Mistake(Device) }.OfType<string>());

        if (CheckpointSeconds is not (>= 0 and <= 86_400))
        {
            errors.Add($"checkpoint_seconds is {CheckpointSeconds}; it must be from 0 to 86400.");
        }

        return errors;
    }
}
