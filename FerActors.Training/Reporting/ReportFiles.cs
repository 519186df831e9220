using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Reporting;

/// <summary>Writes a report in its three forms: report.json for programs, report.md for a text viewer, report.html with plots.</summary>
public static class ReportFiles
{
    public const string JsonName = "report.json";
    public const string MarkdownName = "report.md";
    public const string HtmlName = "report.html";

    public static byte[] ToJson(VersionReport report) => JsonSerializer.SerializeToUtf8Bytes(report, ReportJsonContext.Default.VersionReport);

    /// <exception cref="JsonException">The bytes are not a report.</exception>
    public static VersionReport FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, ReportJsonContext.Default.VersionReport) ?? throw new JsonException("The report is null.");

    /// <summary>Writes the three files, each replaced as a whole.</summary>
    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="report">What to write.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static async Task WriteAsync(string folder, VersionReport report, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(folder);
        await ReplacedFile.WriteAsync(Path.Combine(folder, JsonName), ToJson(report), cancellation);
        await ReplacedFile.WriteAsync(Path.Combine(folder, MarkdownName), Encoding.UTF8.GetBytes(ReportMarkdown.Build(report)), cancellation);
        await ReplacedFile.WriteAsync(Path.Combine(folder, HtmlName), Encoding.UTF8.GetBytes(ReportHtml.Build(report)), cancellation);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    Converters = [typeof(SnakeCaseEnumConverter<Expression>), typeof(SnakeCaseEnumConverter<FerUsage>), typeof(SnakeCaseEnumConverter<TestTimeView>)])]
[JsonSerializable(typeof(VersionReport))]
internal sealed partial class ReportJsonContext : JsonSerializerContext;
