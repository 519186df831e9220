using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Shared.Files;

namespace FerActors.Shared.Drift;

/// <summary>What a model's inputs and outputs look like where nothing has drifted: <c>drift_reference.json</c> in the model's folder.</summary>
public sealed record DriftReference
{
    public const string FileName = "drift_reference.json";

    public const int CurrentSchema = 1;

    /// <summary>Largest file that is read, in bytes; one with embeddings of length 192 has about 12,000.</summary>
    public const int MaxBytes = 1 << 18;

    private const int MaxImages = 100_000_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        MaxDepth = 8,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter<DriftSignal>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    public required int Schema { get; init; }

    /// <summary>SHA-256 of the weights that the reference was made with; samples of others are not compared with it.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>SHA-256 of the images and labels.</summary>
    public required string DataSha256 { get; init; }

    /// <summary>Which split they are.</summary>
    public required string Split { get; init; }

    /// <summary>How many they are.</summary>
    public required int Images { get; init; }

    /// <summary>The signals that do not take their reference from production, all of them; the embedding's distance only where there is <see cref="Embedding"/>.</summary>
    public required IReadOnlyDictionary<DriftSignal, SignalReference> Signals { get; init; }

    /// <summary>Where the embeddings lie; absent in references that were made before they were watched.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EmbeddingReference? Embedding { get; init; }

    /// <summary>Makes a reference of what a model was seen to do.</summary>
    /// <param name="samples">What was noted of each image; with the embedding's distance where <paramref name="embedding"/> is given.</param>
    /// <param name="weightsSha256">SHA-256 of the weights.</param>
    /// <param name="dataSha256">SHA-256 of the images and labels.</param>
    /// <param name="split">Which split they are.</param>
    /// <param name="embedding">Where the embeddings lie.</param>
    /// <exception cref="ArgumentException">There are no samples.</exception>
    public static DriftReference Of(
        IReadOnlyList<DriftSample> samples, string weightsSha256, string dataSha256, string split, EmbeddingReference? embedding = null)
    {
        ArgumentNullException.ThrowIfNull(samples);
        return new DriftReference
        {
            Schema = CurrentSchema,
            WeightsSha256 = weightsSha256,
            DataSha256 = dataSha256,
            Split = split,
            Images = samples.Count,
            Embedding = embedding,
            Signals = DriftSignals.All.Where(signal => !signal.IsSelfReferenced() && (!signal.IsOptional() || embedding is not null)).ToDictionary(signal => signal, signal =>
                signal == DriftSignal.PredictionMix
                    ? SignalReference.OfLabels([.. samples.Select(sample => sample.Label)])
                    : SignalReference.OfValues([.. samples.Select(sample => sample.Value(signal)!.Value)])),
        };
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <exception cref="InvalidDataException">The bytes are not such a file; says why.</exception>
    public static DriftReference FromJson(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxBytes)
        {
            throw new InvalidDataException($"{FileName} has more than {MaxBytes} bytes.");
        }

        DriftReference? reference;
        try
        {
            reference = JsonSerializer.Deserialize<DriftReference>(json, Json);
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{FileName} is not in its form: {problem.Message}", problem);
        }

        return reference?.Fault() switch
        {
            null when reference is not null => reference,
            { } fault => throw new InvalidDataException($"{FileName} cannot be used: {fault}."),
            _ => throw new InvalidDataException($"{FileName} is null."),
        };
    }

    /// <summary>Reads a model folder's reference.</summary>
    /// <returns>Null where the folder has none.</returns>
    /// <exception cref="InvalidDataException">There is a file, but not such a one; says why.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static DriftReference? Find(string modelFolder)
    {
        var path = Path.Combine(modelFolder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        // One byte more than is allowed tells a longer file, whatever length it claims.
        using var file = RegularFile.OpenRead(path);
        var bytes = new byte[MaxBytes + 1];
        return FromJson(bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)));
    }

    private string? Fault()
    {
        if (Schema != CurrentSchema)
        {
            return $"its schema is {Schema}, not {CurrentSchema}";
        }

        if (!IsHash(WeightsSha256) || !IsHash(DataSha256))
        {
            return "its hashes are not 64 lower-case hexadecimal digits";
        }

        if (Images is < 1 or > MaxImages || Split.Length is < 1 or > 64)
        {
            return "its images or their split are out of range";
        }

        if (Embedding?.Fault() is { } fault)
        {
            return $"of the embedding, {fault}";
        }

        if (Embedding is null == Signals.ContainsKey(DriftSignal.EmbeddingDistance))
        {
            return "it has the embedding's distance without the embedding, or the other way about";
        }

        foreach (var signal in DriftSignals.All.Where(signal => !signal.IsSelfReferenced() && (!signal.IsOptional() || Signals.ContainsKey(signal))))
        {
            if (!Signals.TryGetValue(signal, out var reference))
            {
                return $"it has no {signal}";
            }

            if (reference is null || reference.Fault() is not null)
            {
                return $"of {signal}, {reference?.Fault() ?? "it is null"}";
            }
        }

        return Signals.Keys.FirstOrDefault(DriftSignals.IsSelfReferenced) is var extra && extra.IsSelfReferenced()
            ? $"{extra} takes its reference from production"
            : null;
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);
}
