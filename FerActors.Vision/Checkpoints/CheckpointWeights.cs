using System.Security.Cryptography;
using System.Text;
using FerActors.Shared.Files;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Checkpoints;

/// <summary>The weights of a model folder: one <c>model.safetensors</c>, or several files and their index.</summary>
public sealed class CheckpointWeights : IDisposable
{
    public const string SingleFileName = "model.safetensors";

    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _fileOf;

    private CheckpointWeights(List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> fileOf, string sha256)
    {
        _files = files;
        _fileOf = fileOf;
        Sha256 = sha256;
        Tensors = fileOf.ToDictionary(entry => entry.Key, entry => entry.Value.Tensors[entry.Key], StringComparer.Ordinal);
    }

    /// <summary>The tensors of all files.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>
    /// Lower-case hex. Of one file: its SHA-256. Of several: the SHA-256 of what <c>sha256sum</c> prints of the index and the files,
    /// sorted by name.
    /// </summary>
    public string Sha256 { get; }

    /// <summary>Whether a folder has weights that can be opened. Where it has both forms, the single file is taken.</summary>
    public static bool Exists(string folder) =>
        File.Exists(Path.Combine(folder, SingleFileName)) || File.Exists(Path.Combine(folder, SafetensorsIndex.FileName));

    /// <exception cref="CheckpointException">A file of the index is absent, or the index and the files tell different things.</exception>
    /// <exception cref="SafetensorsFormatException">A file is damaged.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static CheckpointWeights Open(string folder)
    {
        var single = Path.Combine(folder, SingleFileName);
        if (File.Exists(single))
        {
            var file = SafetensorsFile.Open(single);
            try
            {
                return new CheckpointWeights([file], file.Tensors.Keys.ToDictionary(name => name, _ => file, StringComparer.Ordinal), Hash(single));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        var files = new List<SafetensorsFile>();
        try
        {
            return OpenShards(folder, files);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Reads a parameter.</summary>
    /// <inheritdoc cref="TensorSource.ReadAsFloat32"/>
    public float[] ReadAsFloat32(TensorSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return _fileOf.TryGetValue(source.Name, out var file)
            ? source.ReadAsFloat32(file)
            : throw new CheckpointException($"The checkpoint has no tensor {SafetensorsHeader.Quote(source.Name)}.");
    }

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static CheckpointWeights OpenShards(string folder, List<SafetensorsFile> files)
    {
        var indexPath = Path.Combine(folder, SafetensorsIndex.FileName);
        var index = SafetensorsIndex.Load(indexPath);
        var listing = new StringBuilder().Append(Hash(indexPath)).Append("  ").Append(SafetensorsIndex.FileName).Append('\n');
        var fileOf = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        foreach (var shard in index.Shards)
        {
            var path = Path.Combine(folder, shard);
            if (!File.Exists(path))
            {
                throw new CheckpointException($"The model folder '{folder}' has no {shard}, which its index names.");
            }

            var file = SafetensorsFile.Open(path);
            files.Add(file);
            foreach (var name in file.Tensors.Keys)
            {
                // A tensor that stands in two files, or in another than the index says, would make the weights depend on who reads them.
                if (!index.WeightMap.TryGetValue(name, out var owner) || owner != shard)
                {
                    throw new CheckpointException(
                        $"{shard} holds tensor {SafetensorsHeader.Quote(name)}, which the index {(owner is null ? "does not name" : $"puts into {owner}")}.");
                }

                fileOf.Add(name, file);
            }

            listing.Append(Hash(path)).Append("  ").Append(shard).Append('\n');
        }

        var lost = index.WeightMap.Keys.FirstOrDefault(name => !fileOf.ContainsKey(name));
        if (lost is not null)
        {
            throw new CheckpointException($"{index.WeightMap[lost]} lacks tensor {SafetensorsHeader.Quote(lost)}, which the index puts there.");
        }

        return new CheckpointWeights(files, fileOf, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(listing.ToString()))));
    }

    private static string Hash(string path)
    {
        using var stream = RegularFile.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
