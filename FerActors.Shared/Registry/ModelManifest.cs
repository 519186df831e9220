using System.Text.Json;
using System.Text.Json.Serialization;

namespace FerActors.Shared.Registry;

/// <summary>What an immutable version is made of and where it comes from: the content of its <c>manifest.json</c>.</summary>
public sealed record ModelManifest
{
    public const string FileName = "manifest.json";

    /// <summary>Version of the file's form.</summary>
    public int Schema { get; init; } = 1;

    [JsonConverter(typeof(ModelVersionIdConverter))]
    public required ModelVersionId Version { get; init; }

    /// <summary>Lower-case hexadecimal SHA-256 by file name, all files but the manifest itself.</summary>
    public required IReadOnlyDictionary<string, string> Files { get; init; }

    /// <summary>Of all files together.</summary>
    public required long Bytes { get; init; }

    /// <summary>Figures of its evaluation; <see langword="null"/> where the folder brought none.</summary>
    public ModelMetrics? Metrics { get; init; }

    public ModelProvenance Provenance { get; init; } = ModelProvenance.Unknown;

    public required DateTimeOffset Created { get; init; }

    /// <summary>What nodes are told of it.</summary>
    [JsonIgnore]
    public ModelPointer Pointer => new(Version, Version.Value, Files);

    public bool HasSameContent(IReadOnlyDictionary<string, string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return files.Count == Files.Count && files.All(f => Files.TryGetValue(f.Key, out var digest) && digest == f.Value);
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ModelManifestContext.Default.ModelManifest);

    /// <exception cref="JsonException">The bytes are no manifest.</exception>
    public static ModelManifest FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, ModelManifestContext.Default.ModelManifest) ?? throw new JsonException("The manifest is null.");
}

/// <summary>The figures that promotion gates compare. Proportions from 0 to 1.</summary>
/// <param name="Accuracy">Share of right answers.</param>
/// <param name="MacroF1">Mean F1 of the classes.</param>
/// <param name="Recalls">Recall by label; classes without images are left out.</param>
/// <param name="MsPerFace">Milliseconds of one face in a batch of 8, fp32 on the machine that registered it; <see langword="null"/> if not measured.</param>
/// <param name="Evaluation">What was looked at and how, e.g. <c>public_test/plain</c>.</param>
/// <param name="DataSha256">Hash of that data. Figures of other data are not comparable.</param>
public sealed record ModelMetrics(
    double Accuracy, double MacroF1, IReadOnlyDictionary<string, double> Recalls, double? MsPerFace, string Evaluation, string DataSha256);

/// <summary>How a version came about; what is unknown is <see langword="null"/>.</summary>
/// <param name="DataSha256">Hash of the training data.</param>
/// <param name="GitCommit">Commit of the code that trained it.</param>
/// <param name="Parent">The version or checkpoint that it was fine-tuned from.</param>
/// <param name="Command">The command that made it.</param>
/// <param name="RunId">The training run.</param>
public sealed record ModelProvenance(string? DataSha256, string? GitCommit, string? Parent, string? Command, string? RunId)
{
    public static ModelProvenance Unknown { get; } = new(null, null, null, null, null);
}

internal sealed class ModelVersionIdConverter : JsonConverter<ModelVersionId>
{
    public override ModelVersionId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ModelVersionId.TryParse(reader.GetString(), out var id) ? id : throw new JsonException("The manifest names no possible version.");

    public override void Write(Utf8JsonWriter writer, ModelVersionId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ModelManifestContext : JsonSerializerContext;
