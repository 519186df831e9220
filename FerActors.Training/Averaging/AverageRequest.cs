using FerActors.Training.Runs;

namespace FerActors.Training.Averaging;

/// <summary>What is to be averaged, and where the result goes.</summary>
public sealed record AverageRequest
{
    /// <summary>The data that the models were trained on and are judged by: CSV (plain, .gz, .zip) or image folder.</summary>
    public required string DataPath { get; init; }

    /// <summary>The votes of FER+ beside the data; needed where the models were calibrated on votes.</summary>
    public string? VotesPath { get; init; }

    /// <summary>As in the runs that trained the models: what they were not to see judges them.</summary>
    public HoldOut HoldOut { get; init; } = HoldOut.None;

    /// <summary>What the folders of an image folder's classes are called, one of <see cref="Data.FolderLabels.Names"/>.</summary>
    public string FolderLabels { get; init; } = Data.FolderLabels.Words;

    /// <summary>The model folders, at least two.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>The model folder that is written.</summary>
    public required string ModelFolder { get; init; }

    public string Version { get; init; } = "1";

    /// <summary>The command line, for the model card.</summary>
    public required string Command { get; init; }

    /// <summary>The commit of the code, for the model card.</summary>
    public string? GitCommit { get; init; }

    /// <summary>Stores the weights as fp16.</summary>
    public bool Half { get; init; } = true;
}
