using FerActors.Shared.Registry;

namespace FerActors.Shared.Tests.Registry;

internal static class Manifests
{
    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static ModelVersionId Id(int number) => ModelVersionId.Parse($"v{number}");

    /// <summary>A version whose content is told by its number and <paramref name="content"/>.</summary>
    public static ModelManifest Of(int number, double accuracy = 0.6, double fear = 0.4, double? ms = 2, string data = "data", int content = 0) => new()
    {
        Version = Id(number),
        Files = new Dictionary<string, string> { [ModelPointer.WeightsFile] = $"{number}-{content}" },
        Bytes = 1,
        Created = Now,
        Metrics = new ModelMetrics(accuracy, 0.5, new Dictionary<string, double> { ["fear"] = fear, ["happy"] = 0.9 }, ms, "public_test/plain", data),
    };
}
