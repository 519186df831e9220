using System.Text.Json;
using FerActors.Shared.Files;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Checkpoints;

/// <summary>
/// <c>model.safetensors.index.json</c> of a checkpoint that lies in several files: which tensor is in which file. Written by
/// Hugging Face's tools for large models.
/// </summary>
public sealed class SafetensorsIndex
{
    public const string FileName = "model.safetensors.index.json";

    /// <summary>Longest index in bytes.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>Most files that an index may name.</summary>
    public const int MaxShards = 1000;

    private const int LongestFileName = 200;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    private SafetensorsIndex(IReadOnlyDictionary<string, string> weightMap)
    {
        WeightMap = weightMap;
        Shards = [.. weightMap.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The file of each tensor.</summary>
    public IReadOnlyDictionary<string, string> WeightMap { get; }

    /// <summary>The files, sorted. Each is a plain name without a folder.</summary>
    public IReadOnlyList<string> Shards { get; }

    /// <exception cref="CheckpointException">The file is no such index.</exception>
    /// <exception cref="IOException">The file is absent or cannot be read.</exception>
    public static SafetensorsIndex Load(string path)
    {
        using var stream = RegularFile.OpenRead(path);
        if (stream.Length > MaxBytes)
        {
            throw new CheckpointException($"{FileName} has {stream.Length} bytes, over the limit of {MaxBytes}.");
        }

        var json = new byte[stream.Length];
        stream.ReadExactly(json);
        return Parse(json);
    }

    /// <param name="json">UTF-8.</param>
    /// <exception cref="CheckpointException">The text is no such index; no name in it can leave the model's folder.</exception>
    public static SafetensorsIndex Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
            {
                throw new CheckpointException($"{FileName} has no object weight_map.");
            }

            var weightMap = map.EnumerateObject().ToDictionary(entry => entry.Name, FileOf, StringComparer.Ordinal);
            var index = new SafetensorsIndex(weightMap);
            return weightMap.Count is > 0 and <= SafetensorsLimits.Tensors && index.Shards.Count <= MaxShards
                ? index
                : throw new CheckpointException(
                    $"{FileName} names {weightMap.Count} tensors in {index.Shards.Count} files; "
                    + $"1 to {SafetensorsLimits.Tensors} in at most {MaxShards} are read.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new CheckpointException($"{FileName} is not valid JSON: {error.Message}", error);
        }
    }

    private static string FileOf(JsonProperty entry)
    {
        var name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";

        // The name becomes a path: no separators, no drive, no hidden file, and nothing that is not safetensors.
        var plain = name.Length <= LongestFileName
            && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-')
            && name.EndsWith(".safetensors", StringComparison.Ordinal)
            && name[0] != '.';
        return plain
            ? name
            : throw new CheckpointException(
                $"{FileName} puts tensor {SafetensorsHeader.Quote(entry.Name)} into {SafetensorsHeader.Quote(name)}, "
                + "which is no plain name ending in .safetensors.");
    }
}
