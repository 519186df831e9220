using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FerActors.Shared.Files;

namespace FerActors.Inference.Engines;

/// <summary>A choice of engines that was measured at an earlier start.</summary>
/// <param name="Home">The engine that is there in any case, the chosen precision of libtorch.</param>
/// <param name="Engines">The name of each class's engine.</param>
internal sealed record EngineChoice(string Home, IReadOnlyList<string> Engines);

/// <summary>
/// Keeps choices of engines in a folder, a small file for each processor, thread count, build, device and model.
/// </summary>
/// <remarks>
/// Whoever can write to the folder can only make the node slow: the names are compared with those that the node knows, and each engine
/// still has to agree with the exact one. A file that is not exactly what this class writes counts as none.
/// </remarks>
/// <param name="folder">The folder; empty is no cache.</param>
internal sealed class EngineCache(string folder)
{
    private const int Format = 1;
    private const int MaxBytes = 64 * 1024;
    private const int MaxFiles = 64;
    private const int NameDigits = 32;

    /// <summary>Reads a choice.</summary>
    /// <param name="key">What it was measured for, in words.</param>
    /// <param name="classes">How many classes it must have.</param>
    /// <param name="known">The engines that may be named.</param>
    /// <param name="warning">Why a file that is there is not used; absent else.</param>
    /// <returns><see langword="null"/> where there is no usable one.</returns>
    public EngineChoice? TryRead(string key, int classes, IReadOnlyCollection<string> known, out string? warning)
    {
        warning = null;
        if (folder.Length == 0)
        {
            return null;
        }

        var path = PathOf(key);
        try
        {
            using var stream = RegularFile.OpenRead(path, bufferSize: 1, followLinks: false);
            var bytes = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length <= MaxBytes && Parse(bytes.AsMemory(0, length), key, classes, known) is { } choice)
            {
                return choice;
            }

            warning = $"The cached choice of engines {path} is damaged; the engines are measured again.";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // The first start with this model.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            warning = $"The cached choice of engines cannot be read, and the engines are measured again. {e.Message}";
        }

        return null;
    }

    /// <summary>Keeps a choice.</summary>
    /// <returns>Why that was not possible; absent where it was.</returns>
    public string? TryWrite(string key, EngineChoice choice)
    {
        if (folder.Length == 0)
        {
            return null;
        }

        var path = PathOf(key);
        var temporary = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                JsonSerializer.Serialize(stream, new Dictionary<string, object>
                {
                    ["format"] = Format,
                    ["key"] = key,
                    ["home"] = choice.Home,
                    ["engines"] = choice.Engines,
                });
            }

            File.Move(temporary, path, overwrite: true);
            DeleteOldest();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            return $"The choice of engines could not be kept for the next start. {e.Message}";
        }
    }

    private static EngineChoice? Parse(ReadOnlyMemory<byte> json, string key, int classes, IReadOnlyCollection<string> known)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("format", out var format) || format.ValueKind != JsonValueKind.Number || !format.TryGetInt32(out var number) || number != Format
                || Text(root, "key") != key
                || Text(root, "home") is not { } home
                || !root.TryGetProperty("engines", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() != classes)
            {
                return null;
            }

            var engines = list.EnumerateArray().Select(entry => entry.ValueKind == JsonValueKind.String ? entry.GetString() : null).ToList();
            return known.Contains(home) && engines.TrueForAll(engine => engine is not null && known.Contains(engine))
                ? new EngineChoice(home, [.. engines.Select(engine => engine!)])
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // Versions come and go; what an old one was measured with is of no use any more.
    private void DeleteOldest()
    {
        foreach (var file in new DirectoryInfo(folder).GetFiles("*.json").Where(file => IsOwn(file.Name)).OrderByDescending(file => file.LastWriteTimeUtc).Skip(MaxFiles))
        {
            TryDelete(file.FullName);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A file too many costs nothing.
        }
    }

    private static bool IsOwn(string name) => name.Length == NameDigits + 5 && name[..NameDigits].All(char.IsAsciiHexDigitLower);

    private string PathOf(string key) => Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..NameDigits] + ".json");
}
