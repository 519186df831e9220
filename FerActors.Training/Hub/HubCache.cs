using System.Globalization;

namespace FerActors.Training.Hub;

/// <summary>
/// The layout of Hugging Face's cache, so that what one tool downloaded the others find:
/// <c>models--org--name/{blobs/ETAG, refs/REVISION, snapshots/COMMIT/FILE -> ../../blobs/ETAG, .no_exist/COMMIT/FILE}</c> and
/// <c>.locks/models--org--name/ETAG.lock</c>.
/// </summary>
public sealed class HubCache
{
    private const string ModelPrefix = "models--";

    private readonly string _root;

    public HubCache(string root)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        _root = Path.GetFullPath(root);
    }

    internal string Root => _root;

    /// <summary>All models in the cache, by name.</summary>
    public IReadOnlyList<HubCachedModel> List()
    {
        if (!Directory.Exists(_root))
        {
            return [];
        }

        return [.. Directory.EnumerateDirectories(_root, ModelPrefix + "*")
            .Select(Describe)
            .Where(model => model.Commits.Count > 0)
            .OrderBy(model => model.Repository, StringComparer.Ordinal)];
    }

    /// <summary>The folder of a snapshot; it need not exist.</summary>
    internal string Snapshot(HubModelId model, string commit) => Path.Combine(Folder(model), "snapshots", commit);

    internal string Blob(HubModelId model, string etag) => Path.Combine(Folder(model), "blobs", etag);

    // Under the lock only one process writes it, so the name needs no random part and the next process can go on with it.
    internal string Incomplete(HubModelId model, string etag) => Blob(model, etag) + ".incomplete";

    internal string LockFile(HubModelId model, string etag) => Path.Combine(_root, ".locks", Name(model), etag + ".lock");

    /// <summary>The commit that a revision meant when it was last asked for.</summary>
    /// <returns><see langword="null"/> where the cache does not know.</returns>
    internal string? CommitOf(HubModelId model)
    {
        if (model.IsCommit)
        {
            return model.Revision;
        }

        var path = Ref(model);
        if (!File.Exists(path))
        {
            return null;
        }

        var text = File.ReadAllText(path).Trim();
        return HubModelId.IsCommitText(text) ? text : null;
    }

    internal void Remember(HubModelId model, string commit)
    {
        if (model.Revision == commit || CommitOf(model) == commit)
        {
            return;
        }

        var path = Ref(model);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var draft = string.Create(CultureInfo.InvariantCulture, $"{path}.{Guid.NewGuid():N}.tmp");
        File.WriteAllText(draft, commit);
        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Notes, as Python's tools do, that a commit has no such file.</summary>
    internal void RememberAbsent(HubModelId model, string commit, string file)
    {
        var folder = Path.Combine(Folder(model), ".no_exist", commit);
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, file), []);
    }

    internal bool IsKnownAbsent(HubModelId model, string commit, string file) =>
        File.Exists(Path.Combine(Folder(model), ".no_exist", commit, file));

    /// <summary>Puts a blob into a snapshot under its name: a relative link, so that the cache can be moved; a copy where links cannot be made.</summary>
    internal void Link(HubModelId model, HubFile file)
    {
        var folder = Snapshot(model, file.Commit);
        Directory.CreateDirectory(folder);
        var pointer = Path.Combine(folder, file.Name);
        var target = Path.Combine("..", "..", "blobs", file.ETag);
        if (File.Exists(pointer) && PointsTo(pointer, target))
        {
            return;
        }

        var draft = string.Create(CultureInfo.InvariantCulture, $"{pointer}.{Guid.NewGuid():N}.tmp");
        try
        {
            File.CreateSymbolicLink(draft, target);
        }
        catch (Exception e) when (OperatingSystem.IsWindows() && e is IOException or UnauthorizedAccessException)
        {
            // Windows lets few users make links.
            File.Copy(Blob(model, file.ETag), draft);
        }

        File.Move(draft, pointer, overwrite: true);
    }

    private static bool PointsTo(string pointer, string target) =>
        !OperatingSystem.IsWindows() && new FileInfo(pointer).LinkTarget == target;

    private static string Name(HubModelId model) => ModelPrefix + model.Repository.Replace("/", "--", StringComparison.Ordinal);

    private string Folder(HubModelId model) => Path.Combine(_root, Name(model));

    private string Ref(HubModelId model) => Path.Combine([Folder(model), "refs", .. model.Revision.Split('/')]);

    private static HubCachedModel Describe(string folder)
    {
        var refsFolder = Path.Combine(folder, "refs");
        var refs = Directory.Exists(refsFolder)
            ? Directory.EnumerateFiles(refsFolder, "*", SearchOption.AllDirectories)
                .Where(path => !path.EndsWith(".tmp", StringComparison.Ordinal))
                .Select(path => (Name: Path.GetRelativePath(refsFolder, path).Replace('\\', '/'), Commit: File.ReadAllText(path).Trim()))
                .ToList()
            : [];
        var snapshots = Path.Combine(folder, "snapshots");
        var commits = Directory.Exists(snapshots)
            ? Directory.EnumerateDirectories(snapshots)
                .Select(path => new HubCachedCommit(
                    Path.GetFileName(path),
                    path,
                    [.. refs.Where(r => r.Commit == Path.GetFileName(path)).Select(r => r.Name).Order(StringComparer.Ordinal)],
                    [.. Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)]))
                .OrderBy(commit => commit.Commit, StringComparer.Ordinal)
                .ToList()
            : [];
        var blobs = Path.Combine(folder, "blobs");
        var bytes = Directory.Exists(blobs) ? new DirectoryInfo(blobs).EnumerateFiles().Sum(file => file.Length) : 0;
        return new HubCachedModel(Path.GetFileName(folder)[ModelPrefix.Length..].Replace("--", "/", StringComparison.Ordinal), bytes, commits);
    }
}

/// <param name="Repository">For example <c>google/vit-base-patch16-224-in21k</c>.</param>
/// <param name="Bytes">On the disk; files that several commits share count once.</param>
/// <param name="Commits">The snapshots.</param>
public sealed record HubCachedModel(string Repository, long Bytes, IReadOnlyList<HubCachedCommit> Commits);

/// <param name="Commit">40 hex digits.</param>
/// <param name="Folder">Where its files are.</param>
/// <param name="Revisions">The branches and tags that meant this commit when they were last asked for.</param>
/// <param name="Files">Names of the files.</param>
public sealed record HubCachedCommit(string Commit, string Folder, IReadOnlyList<string> Revisions, IReadOnlyList<string> Files);
