using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using FerActors.Control.Registry;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Host.Operator;

/// <summary>
/// Takes a model folder from an operator's machine as a stream, and has it registered: a tar of plain files, the last of which holds the
/// SHA-256 of each. The files go beside the versions, where the registry's node sees them, and are gone when the answer is there.
/// </summary>
/// <param name="options">Where versions lie, and how large one may be.</param>
/// <param name="register">Asks the registry.</param>
public sealed class ModelUpload(RegistryOptions options, Func<OperatorRequest, Task<OperatorReply>> register)
{
    /// <summary>Name of the last entry, which no file of a version can have: an object of SHA-256 by file name.</summary>
    internal const string DigestsName = ".digests";

    private const string Prefix = ".push-";
    private const int MaxFiles = 64;
    private const int MaxDigestsBytes = 64 * 1024;

    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Receives and registers.</summary>
    /// <param name="version">The new version's name.</param>
    /// <param name="parent">The version or checkpoint that it was fine-tuned from.</param>
    /// <param name="body">The tar.</param>
    /// <param name="cancellation">Gives up and leaves nothing.</param>
    public async Task<OperatorReply> ReceiveAsync(string version, string? parent, Stream body, CancellationToken cancellation)
    {
        if (!ModelVersionId.TryParse(version, out _))
        {
            return OperatorReply.Invalid($"'{version}' is no name of a version.");
        }

        if (!await _turn.WaitAsync(TimeSpan.Zero, cancellation).ConfigureAwait(false))
        {
            return OperatorReply.Refused("Another model is being pushed to this node. Try again when that is done.");
        }

        var root = Path.GetFullPath(options.Root);
        var folder = Path.Combine(root, $"{Prefix}{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(root);
            foreach (var left in Directory.EnumerateDirectories(root, Prefix + "*").Where(left => DateTime.UtcNow - Directory.GetLastWriteTimeUtc(left) > Abandoned))
            {
                // Of a node that died on the way. Another node may be receiving into the same volume now.
                Directory.Delete(left, recursive: true);
            }

            Directory.CreateDirectory(folder);
            var digests = await ReadAsync(body, folder, cancellation).ConfigureAwait(false);
            return await register(new ModelRequests.Register(version, folder, parent, digests.GetValueOrDefault("model.safetensors"))).ConfigureAwait(false);
        }
        catch (InvalidDataException e)
        {
            return OperatorReply.Invalid(e.Message);
        }
        catch (Exception e) when (e is FormatException or EndOfStreamException or JsonException)
        {
            return OperatorReply.Invalid($"What was sent is no whole archive of 'fer model push': {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return OperatorReply.Refused($"The node cannot keep the files: {e.Message}");
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            _turn.Release();
        }
    }

    private async Task<Dictionary<string, string>> ReadAsync(Stream body, string folder, CancellationToken cancellation)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var left = options.MaxVersionBytes;
        var tar = new TarReader(body);
        await using (tar.ConfigureAwait(false))
        {
            while (await tar.GetNextEntryAsync(copyData: false, cancellation).ConfigureAwait(false) is { } entry)
            {
                if (entry.Name == DigestsName)
                {
                    return await CompareAsync(entry, found, cancellation).ConfigureAwait(false);
                }

                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !ModelStore.BelongsToVersion(entry.Name) || found.ContainsKey(entry.Name))
                {
                    throw new InvalidDataException($"A version cannot have an entry '{Shared.Messaging.UntrustedText.Shown(entry.Name)}'.");
                }

                if (found.Count == MaxFiles || (left -= entry.Length) < 0)
                {
                    throw new InvalidDataException($"A version has at most {MaxFiles} files and {options.MaxVersionBytes} bytes (Registry:MaxVersionBytes).");
                }

                found[entry.Name] = await SaveAsync(entry, Path.Combine(folder, entry.Name), cancellation).ConfigureAwait(false);
            }
        }

        throw new InvalidDataException("The end of the archive is missing. Nothing was registered.");
    }

    private static async Task<string> SaveAsync(TarEntry entry, string path, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1);
        await using (file.ConfigureAwait(false))
        {
            var buffer = new byte[1 << 20];
            while (entry.DataStream is { } data && await data.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and var read)
            {
                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task<Dictionary<string, string>> CompareAsync(TarEntry entry, Dictionary<string, string> found, CancellationToken cancellation)
    {
        if (entry.Length > MaxDigestsBytes || entry.DataStream is null)
        {
            throw new InvalidDataException("The digests are missing or too long.");
        }

        var json = new byte[entry.Length];
        await entry.DataStream.ReadExactlyAsync(json, cancellation).ConfigureAwait(false);
        var sent = JsonSerializer.Deserialize<Dictionary<string, string>>(json) ?? [];
        return sent.Count == found.Count && found.All(file => sent.GetValueOrDefault(file.Key) == file.Value)
            ? found
            : throw new InvalidDataException("What arrived is not what was sent: a digest differs. Nothing was registered.");
    }

    /// <summary>Writes a folder's files as <see cref="ReceiveAsync"/> reads them.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="to">Takes the tar.</param>
    /// <param name="sent">Told the bytes after each file.</param>
    /// <param name="cancellation">Gives up.</param>
    internal static async Task WriteAsync(string folder, Stream to, Action<long> sent, CancellationToken cancellation)
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        var bytes = 0L;
        var tar = new TarWriter(to, TarEntryFormat.Pax, leaveOpen: true);
        await using (tar.ConfigureAwait(false))
        {
            foreach (var path in FilesOf(folder))
            {
                var file = Shared.Files.RegularFile.OpenRead(path, bufferSize: 1 << 16);
                await using (file.ConfigureAwait(false))
                {
                    var name = Path.GetFileName(path);
                    digests[name] = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellation).ConfigureAwait(false));
                    file.Position = 0;
                    await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = file }, cancellation).ConfigureAwait(false);
                    sent(bytes += file.Length);
                }
            }

            await tar.WriteEntryAsync(
                new PaxTarEntry(TarEntryType.RegularFile, DigestsName) { DataStream = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(digests)) }, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The files of a folder that belong to a version.</summary>
    /// <exception cref="IOException">There is no folder, or no such file in it.</exception>
    internal static IReadOnlyList<string> FilesOf(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        }

        string[] files = [.. Directory.EnumerateFiles(folder).Where(path => ModelStore.BelongsToVersion(Path.GetFileName(path))).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new IOException($"The folder '{folder}' holds no file of a model.");
    }
}
