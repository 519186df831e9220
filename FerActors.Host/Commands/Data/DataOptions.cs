using System.CommandLine;
using FerActors.Training.Data;
using Labels = FerActors.Training.Data.FolderLabels;

namespace FerActors.Host.Commands.Data;

/// <summary>Options of every command that reads images.</summary>
internal static class DataOptions
{
    /// <summary><c>--folder-labels</c>.</summary>
    public static Option<string> FolderLabels()
    {
        var option = new Option<string>("--folder-labels")
        {
            Description = $"What the folders of an image folder's classes are called: {string.Join(" or ", Labels.Names)} (numbered 1 to 7).",
            DefaultValueFactory = _ => Labels.Words,
        };
        option.AcceptOnlyFromAmong([.. Labels.Names]);
        return option;
    }

    /// <summary>How the data of a command are read.</summary>
    public static FerDataOptions Reading(this ParseResult parsed, Option<string> folderLabels) =>
        FerDataOptions.Default with { FolderLabels = parsed.GetRequiredValue(folderLabels) };
}
