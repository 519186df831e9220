using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;

namespace FerActors.Training.DataChecks;

/// <summary>Writes a check of a data set as Markdown for people and JSON for programs.</summary>
public static class DataCard
{
    public static byte[] ToJson(DataCheckReport report) => JsonSerializer.SerializeToUtf8Bytes(report, DataCardJsonContext.Default.DataCheckReport);

    /// <summary>Writes the card and, beside it under the same name, its <c>.json</c>; each is replaced as a whole.</summary>
    /// <param name="path">The Markdown file; must not itself end in <c>.json</c>.</param>
    /// <param name="report">What was found.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The path ends in <c>.json</c>.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static async Task WriteAsync(string path, DataCheckReport report, CancellationToken cancellation = default)
    {
        var json = Path.ChangeExtension(path, ".json");
        if (json == path)
        {
            throw new ArgumentException($"The card '{path}' is a Markdown file; its JSON is written beside it.", nameof(path));
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        await ReplacedFile.WriteAsync(json, ToJson(report), cancellation);
        await ReplacedFile.WriteAsync(path, Encoding.UTF8.GetBytes(ToMarkdown(report)), cancellation);
    }

    public static string ToMarkdown(DataCheckReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        Line(text, $"# Data card: {report.Source}\n");
        Line(text, $"{report.Images:N0} usable images of 48x48 gray pixels.");
        Line(text, $"SHA-256 of pixels and labels: {(report.Sha256 is { } hash ? $"`{hash}`" : "none")}\n");
        Line(text, $"**{(report.Trainable ? "Can be trained on." : "Cannot be trained on.")}**\n");
        foreach (var blocker in report.Blockers)
        {
            Line(text, $"- {blocker}");
        }

        AddClasses(text, report);
        AddFaults(text, report);
        AddDuplicates(text, report.Duplicates);
        return text.ToString();
    }

    private static void AddClasses(StringBuilder text, DataCheckReport report)
    {
        Line(text, $"\n## Classes\n");
        Line(text, $"| Split | {string.Join(" | ", ExpressionNames.All)} | All | SHA-256 |");
        Line(text, $"|---|{string.Concat(Enumerable.Repeat("---:|", ExpressionNames.Count + 1))}---|");
        foreach (var split in report.Splits)
        {
            Line(text, $"| {split.Split} | {string.Join(" | ", split.Histogram.Select(n => n.ToString("N0", CultureInfo.InvariantCulture)))} | {split.Images:N0} | `{split.Sha256[..16]}` |");
        }
    }

    private static void AddFaults(StringBuilder text, DataCheckReport report)
    {
        Line(text, $"\n## Faults\n");
        Line(text, $"| Fault | Rows or files | The first |");
        Line(text, $"|---|---:|---|");
        foreach (var kind in Enum.GetValues<DataFaultKind>())
        {
            var fault = report.Faults.FirstOrDefault(f => f.Kind == kind);
            Line(text, $"| {Name(kind)} | {fault?.Count ?? 0:N0} | {Places(fault?.First ?? [])} |");
        }

        Line(text, $"| constant image | {report.Blank.Constant:N0} | {Places(report.Blank.First)} |");
        Line(text, $"| nearly constant image | {report.Blank.NearlyConstant:N0} | listed with the constant ones |");
        var sizes = report.ScaledSizes.Select(size => string.Create(CultureInfo.InvariantCulture, $"{size.Width}x{size.Height}: {size.Images:N0}"));
        Line(text, $"| scaled to 48x48 | {report.ScaledImages:N0} | {string.Join("; ", sizes)} |");
        Line(text, $"\nConstant images and scaled images are usable; the others are not.");
    }

    private static void AddDuplicates(StringBuilder text, DuplicateSummary found)
    {
        Line(text, $"\n## Duplicates\n");
        Line(text, $"| | Exactly equal | Nearly equal |");
        Line(text, $"|---|---:|---:|");
        Line(text, $"| groups, pairs | {found.ExactGroups:N0} groups ({found.ExactRepeats:N0} repeats) | {found.NearPairsWithinSplits + found.NearPairsAcrossSplits:N0} pairs |");
        Line(text, $"| across splits | {found.ExactGroupsAcrossSplits:N0} groups | {found.NearPairsAcrossSplits:N0} pairs |");
        Line(text, $"| with more than one label | {found.ConflictingGroups:N0} groups | |");
        foreach (var split in found.Splits)
        {
            Line(text, $"| {split.Split}: repeats within | {split.RepeatsWithin:N0} images | |");
            if (split.Split != FerUsage.Training)
            {
                Line(text, $"| {split.Split}: also in Training | {split.AlsoInTraining:N0} images | {split.NearlyInTraining - split.AlsoInTraining:N0} more |");
            }
        }

        Line(text, $"\nA run leaves out the {found.TrainingLeaks:N0} Training images that equal an evaluation image exactly or nearly.");
    }

    private static string Name(DataFaultKind kind) => kind switch
    {
        DataFaultKind.Size => "wrong size",
        DataFaultKind.PixelValue => "pixel value",
        DataFaultKind.Label => "label",
        DataFaultKind.Split => "split",
        DataFaultKind.Unreadable => "unreadable file",
        _ => "form",
    };

    // What a data set says of itself must not break out of its cell.
    private static string Places(IReadOnlyList<string> places) =>
        string.Join("<br>", places.Select(place => place
            .Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace("|", "\\|", StringComparison.Ordinal)
            .ReplaceLineEndings(" ")));

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    Converters = [typeof(SnakeCaseEnumConverter<FerUsage>), typeof(SnakeCaseEnumConverter<DataFaultKind>)])]
[JsonSerializable(typeof(DataCheckReport))]
internal sealed partial class DataCardJsonContext : JsonSerializerContext;
