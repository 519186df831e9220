using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Shared.Registry;

namespace FerActors.Training.Runs;

/// <summary>Where a finished run's model comes from: a file in the run's folder, for the registry's manifest.</summary>
public static class RunProvenance
{
    public const string FileName = "provenance.json";

    private const int MaxBytes = 1 << 20;

    /// <summary>The commit of this code as its surroundings tell it; <see langword="null"/> where they do not.</summary>
    public static string? GitCommit => Environment.GetEnvironmentVariable("FER_GIT_COMMIT");

    /// <summary>Writes the file; one that is there is replaced.</summary>
    public static Task WriteAsync(string runFolder, ModelProvenance provenance, CancellationToken cancellation = default) =>
        File.WriteAllBytesAsync(
            Path.Combine(runFolder, FileName),
            JsonSerializer.SerializeToUtf8Bytes(provenance, ProvenanceContext.Default.ModelProvenance),
            cancellation);

    /// <summary>Reads it; <see cref="ModelProvenance.Unknown"/> where there is none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static async Task<ModelProvenance> ReadAsync(string runFolder, CancellationToken cancellation = default)
    {
        var file = new FileInfo(Path.Combine(runFolder, FileName));
        if (!file.Exists)
        {
            return ModelProvenance.Unknown;
        }

        try
        {
            return file.Length <= MaxBytes
                && JsonSerializer.Deserialize(
                    await File.ReadAllBytesAsync(file.FullName, cancellation), ProvenanceContext.Default.ModelProvenance) is { } read
                    ? read
                    : throw new JsonException("It is null or too long.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file.FullName} does not say where a model comes from. {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ModelProvenance))]
internal sealed partial class ProvenanceContext : JsonSerializerContext;
