using System.Text.Json;
using FerActors.Shared.Registry;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Registration;

/// <summary>The figures of a folder's metrics.json that gates compare.</summary>
internal static class ManifestMetrics
{
    /// <param name="json">The file's content.</param>
    /// <param name="msPerFace">Measured at registration.</param>
    /// <exception cref="ModelStoreException">The bytes are no report, or a figure in it is no proportion.</exception>
    public static ModelMetrics Read(ReadOnlySpan<byte> json, double? msPerFace)
    {
        try
        {
            var report = MetricsJson.Deserialize(json);
            if (report.Metrics?.Classes is not { } classes || classes.Any(c => c is null))
            {
                throw new JsonException("It has no metrics by class.");
            }

            var recalls = classes
                .Where(c => c.Recall is not null)
                .ToDictionary(c => Name(c.Expression), c => Proportion(c.Recall!.Value));
            return new ModelMetrics(
                Proportion(report.Metrics.Accuracy),
                Proportion(report.Metrics.MacroF1),
                recalls,
                msPerFace,
                $"{Name(report.Split)}/{Short(report.TestTimeAugmentation)}",
                Short(report.DataSha256));
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new ModelStoreException(RegistryCode.Invalid, $"{MetricsJson.FileName} is no evaluation report: {e.Message}", e);
        }
    }

    private static double Proportion(double value) =>
        value is >= 0 and <= 1 ? value : throw new JsonException($"{value} is no proportion.");

    private static string Short(string? text) =>
        text is { Length: <= 200 } ? text : throw new JsonException("A text is missing or has more than 200 characters.");

    private static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
