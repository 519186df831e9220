using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Control.Registry;

/// <summary>The folders of immutable model versions. A version is there as a whole or not at all, whenever the machine stops.</summary>
/// <remarks>
/// All calls block: they belong on a thread of their own. Imports, deletions and sweeps take turns. Names that begin with a dot are
/// the store's own: what is being copied, and what is being deleted.
/// </remarks>
public sealed partial class ModelStore
{
    private const int MaxFiles = 64;
    private const int MaxJsonBytes = 4 << 20;
    private const string ImportPrefix = ".import-";
    private const string TrashPrefix = ".deleted-";
    private const UnixFileMode ReadOnly = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Lock _turn = new();
    private readonly IModelInspector _inspector;
    private readonly string _root;
    private readonly long _maxBytes;
    private readonly TimeProvider _time;

    /// <param name="options">Where the folders are, and how large a version may be.</param>
    /// <param name="inspector">Proves that a folder can serve.</param>
    /// <param name="time">The time.</param>
    public ModelStore(RegistryOptions options, IModelInspector inspector, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(inspector);
        _inspector = inspector;
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Root));
        _maxBytes = options.MaxVersionBytes;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Makes the files that are written.</summary>
    internal Func<string, FileStream> Create { get; init; } =
        path => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1);

    /// <summary>The version's folder, whether it exists or not.</summary>
    public string FolderOf(ModelVersionId version)
    {
        ArgumentNullException.ThrowIfNull(version);
        return Path.Combine(_root, version.Value);
    }

    /// <summary>Copies a folder in Hugging Face's layout in and proves that it can serve.</summary>
    /// <param name="version">Its name.</param>
    /// <param name="source">The folder. Of its files, those that <see cref="BelongsToVersion"/> names are taken.</param>
    /// <param name="provenance">Where it comes from.</param>
    /// <param name="weightsSha256">What the weights must hash to, if that is known.</param>
    /// <param name="bound">What the journal knows under this name, deleted or not: the name is bound to that content.</param>
    /// <param name="cancellation">Gives up and leaves nothing.</param>
    /// <returns>The manifest; that of the folder which is there, where it has the same content.</returns>
    /// <exception cref="ModelStoreException">The folder cannot become this version.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public ModelManifest Import(
        ModelVersionId version,
        string source,
        ModelProvenance provenance,
        string? weightsSha256 = null,
        ModelManifest? bound = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(provenance);
        lock (_turn)
        {
            var names = FilesToTake(source);
            Directory.CreateDirectory(_root);
            var draft = Path.Combine(_root, $"{ImportPrefix}{version}-{Guid.NewGuid():N}");
            Directory.CreateDirectory(draft);
            try
            {
                var (files, bytes) = Copy(source, draft, names, cancellation);
                return Admit(version, draft, files, bytes, provenance, weightsSha256, bound, cancellation);
            }
            finally
            {
                TryRemove(draft);
            }
        }
    }

    /// <summary>Hashes a version's files.</summary>
    /// <param name="manifest">What they must be, as the journal knows it: the manifest beside the files proves nothing about them.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>All that is wrong, each a sentence; empty where nothing is.</returns>
    public IReadOnlyList<string> Verify(ModelManifest manifest, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var folder = FolderOf(manifest.Version);
        if (!Directory.Exists(folder) || IsLink(folder))
        {
            return [$"{manifest.Version} has no folder in the registry."];
        }

        var faults = new List<string>();
        foreach (var (name, digest) in manifest.Files.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            if (!BelongsToVersion(name))
            {
                faults.Add($"{manifest.Version} names a file '{name}' that no version can have.");
                continue;
            }

            try
            {
                using var file = SafeFiles.OpenRegular(Path.Combine(folder, name));
                if (Transfer(file, null, _maxBytes, cancellation).Digest != digest)
                {
                    faults.Add($"{name} of {manifest.Version} is not what was registered.");
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ModelStoreException)
            {
                faults.Add($"{name} of {manifest.Version} cannot be read: {e.Message}");
            }
        }

        faults.AddRange(Directory.EnumerateFileSystemEntries(folder)
            .Select(Path.GetFileName)
            .Where(name => name != ModelManifest.FileName && !manifest.Files.ContainsKey(name!))
            .Select(name => $"{manifest.Version} has a file '{name}' that was not registered."));
        return faults;
    }

    /// <summary>Removes a version's folder; no error where there is none.</summary>
    /// <exception cref="IOException">The disk failed; a later <see cref="Sweep"/> goes on.</exception>
    public void Delete(ModelVersionId version)
    {
        ArgumentNullException.ThrowIfNull(version);
        lock (_turn)
        {
            Discard(version);
        }
    }

    /// <summary>Removes what a crash left: half copies, half deletions, and folders of versions that the journal calls deleted.</summary>
    /// <param name="deleted">Those versions; no other version is touched, known or not.</param>
    /// <returns>How many folders went.</returns>
    /// <exception cref="IOException">The disk failed.</exception>
    public int Sweep(IEnumerable<ModelVersionId> deleted)
    {
        ArgumentNullException.ThrowIfNull(deleted);
        lock (_turn)
        {
            if (!Directory.Exists(_root))
            {
                return 0;
            }

            var gone = deleted.Count(Discard);
            foreach (var folder in Directory.EnumerateDirectories(_root, ".*").Where(IsOwn).ToList())
            {
                Remove(folder);
                gone++;
            }

            return gone;
        }
    }

    /// <summary>Whether a file of this name may be part of a version: weights, configuration, model card and reports.</summary>
    /// <remarks>Never a pickle, a hidden file or a path, nor <c>manifest.json</c>, which the store writes.</remarks>
    public static bool BelongsToVersion(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name != ModelManifest.FileName && FileNames().IsMatch(name);
    }

    private List<string> FilesToTake(string source)
    {
        if (!Path.IsPathFullyQualified(source))
        {
            throw Invalid($"'{source}' is no absolute path.");
        }

        if (!Directory.Exists(source))
        {
            throw Invalid($"There is no folder '{source}' on the registry's node.");
        }

        if (IsLink(Path.TrimEndingDirectorySeparator(source)))
        {
            throw Invalid($"'{source}' is a link; name the folder itself.");
        }

        var names = Directory.EnumerateFileSystemEntries(source)
            .Select(p => Path.GetFileName(p))
            .Where(BelongsToVersion)
            .Take(MaxFiles + 1)
            .ToList();
        if (names.Count > MaxFiles)
        {
            throw Invalid($"'{source}' has more than {MaxFiles} files of a model.");
        }

        if (_inspector.RequiredFiles.Except(names, StringComparer.Ordinal).ToList() is { Count: > 0 } missing)
        {
            throw Invalid($"'{source}' has no {string.Join(" and no ", missing)}.");
        }

        return [.. names.Order(StringComparer.Ordinal)];
    }

    private (Dictionary<string, string> Files, long Bytes) Copy(
        string source, string draft, List<string> names, CancellationToken cancellation)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var bytes = 0L;
        foreach (var name in names)
        {
            using var from = Open(Path.Combine(source, name));
            using var to = Create(Path.Combine(draft, name));
            var limit = _maxBytes - bytes;
            if (name.EndsWith(".json", StringComparison.Ordinal) && limit > MaxJsonBytes && from.Length > MaxJsonBytes)
            {
                throw Invalid($"{name} has more than {MaxJsonBytes} bytes.");
            }

            var (digest, length) = Transfer(from, to, limit, cancellation);
            to.Flush(flushToDisk: true);
            files[name] = digest;
            bytes += length;
        }

        return (files, bytes);
    }

    private ModelManifest Admit(
        ModelVersionId version,
        string draft,
        Dictionary<string, string> files,
        long bytes,
        ModelProvenance provenance,
        string? weightsSha256,
        ModelManifest? bound,
        CancellationToken cancellation)
    {
        if (weightsSha256 is not null && !weightsSha256.Equals(files[_inspector.WeightsFile], StringComparison.OrdinalIgnoreCase))
        {
            throw Invalid($"The weights' sha256 is {files[_inspector.WeightsFile]}, not {weightsSha256} as expected.");
        }

        if (bound is not null && !bound.HasSameContent(files))
        {
            throw Refused($"{version} is registered with other content; versions never change. Choose another name.");
        }

        var target = FolderOf(version);
        if (Path.Exists(target))
        {
            // A folder that the journal does not know is left of a crash before the journal was written.
            var present = bound ?? ManifestIn(target, version);
            if (present is null || !present.HasSameContent(files))
            {
                throw Refused($"The registry's folder has a {version} with other content that was never registered. Choose another name.");
            }

            if (Verify(present, cancellation).Count == 0)
            {
                return ManifestIn(target, version) ?? present;
            }
        }

        var inspection = Inspect(draft, files);
        var manifest = new ModelManifest
        {
            Version = version,
            Files = files,
            Bytes = bytes,
            Metrics = inspection.Metrics,
            Provenance = provenance,
            Created = _time.GetUtcNow(),
        };
        using (var file = Create(Path.Combine(draft, ModelManifest.FileName)))
        {
            file.Write(manifest.ToJson());
            file.Flush(flushToDisk: true);
        }

        if (!OperatingSystem.IsWindows())
        {
            foreach (var path in Directory.EnumerateFiles(draft))
            {
                File.SetUnixFileMode(path, ReadOnly);
            }
        }

        cancellation.ThrowIfCancellationRequested();
        DurableFolder.Flush(draft);
        if (Path.Exists(target))
        {
            // Damaged, and what is about to replace it is what it was.
            Discard(version);
        }

        Directory.Move(draft, target);
        DurableFolder.Flush(_root);
        return manifest;
    }

    private ModelInspection Inspect(string draft, Dictionary<string, string> files)
    {
        var inspection = _inspector.Inspect(draft);
        return inspection.WeightsSha256 == files[_inspector.WeightsFile]
            ? inspection
            : throw new IOException("The weights read back from the disk are not those that were written.");
    }

    private static FileStream Open(string path)
    {
        try
        {
            return SafeFiles.OpenRegular(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid($"{Path.GetFileName(path)} cannot be taken: {e.Message}", e);
        }
    }

    // The limit is on what is read, not on what the file says of its length: it may grow meanwhile.
    private (string Digest, long Length) Transfer(FileStream from, FileStream? to, long limit, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        var length = 0L;
        while (from.Read(buffer, 0, buffer.Length) is var read and > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            length += read;
            if (length > limit)
            {
                throw Invalid($"A version has at most {_maxBytes} bytes (Registry:MaxVersionBytes).");
            }

            hash.AppendData(buffer, 0, read);
            to?.Write(buffer, 0, read);
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset()), length);
    }

    private static ModelManifest? ManifestIn(string folder, ModelVersionId version)
    {
        try
        {
            using var file = SafeFiles.OpenRegular(Path.Combine(folder, ModelManifest.FileName));
            if (file.Length > MaxJsonBytes)
            {
                return null;
            }

            var json = new byte[file.Length];
            file.ReadExactly(json);
            var manifest = ModelManifest.FromJson(json);
            return manifest.Version == version ? manifest : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    // Renamed first: a folder under a version's name is always whole.
    private bool Discard(ModelVersionId version)
    {
        var folder = FolderOf(version);
        if (!Path.Exists(folder))
        {
            return false;
        }

        var trash = Path.Combine(_root, $"{TrashPrefix}{version}-{Guid.NewGuid():N}");
        Directory.Move(folder, trash);
        DurableFolder.Flush(_root);
        Remove(trash);
        return true;
    }

    private static bool IsOwn(string path) =>
        Path.GetFileName(path) is var name
        && (name.StartsWith(ImportPrefix, StringComparison.Ordinal) || name.StartsWith(TrashPrefix, StringComparison.Ordinal));

    private static bool IsLink(string path) => new DirectoryInfo(path).LinkTarget is not null;

    // A link in place of a folder is removed itself; what it names is not the registry's.
    private static void Remove(string folder)
    {
        if (IsLink(folder))
        {
            Directory.Delete(folder);
        }
        else if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void TryRemove(string folder)
    {
        try
        {
            Remove(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The import's own outcome is the one worth telling; the next sweep takes the rest.
        }
    }

    private static ModelStoreException Invalid(string message, Exception? inner = null) => new(RegistryCode.Invalid, message, inner);

    private static ModelStoreException Refused(string message) => new(RegistryCode.Refused, message);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(json|safetensors|md|html|txt|csv|png|svg)\z", RegexOptions.CultureInvariant)]
    private static partial Regex FileNames();
}
