using System.Globalization;
using FerActors.Shared.Messaging;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;

namespace FerActors.Training.Hub;

/// <summary>
/// Fetches checkpoints from the Hugging Face Hub into the cache that Python's tools use: configuration, preprocessing and safetensors
/// weights, every file verified by its hash. Never a pickle.
/// </summary>
public sealed class HubClient : IDisposable
{
    private const string PickleFileName = "pytorch_model.bin";
    private const long WholeMebibyte = 1 << 20;

    // What a mistaken or hostile server can make us store as a text file.
    private const long LargestText = SafetensorsIndex.MaxBytes;

    private readonly HubOptions _options;
    private readonly HubCache _cache;
    private readonly HubConnection _connection;
    private readonly Func<TimeSpan, CancellationToken, Task> _wait;

    public HubClient(HubOptions options)
        : this(options, Task.Delay)
    {
    }

    internal HubClient(HubOptions options, Func<TimeSpan, CancellationToken, Task> wait)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _cache = new HubCache(options.CacheFolder);
        _connection = new HubConnection(options);
        _wait = wait;
    }

    /// <summary>Makes sure that a model is in the cache.</summary>
    /// <param name="model">Which.</param>
    /// <param name="progress">Told how the files come along. Called on pool threads.</param>
    /// <param name="cancellation">Stops; what was downloaded is kept, and the next call goes on from it.</param>
    /// <returns>Where it lies. All files are of one commit, whatever happens to the branch meanwhile.</returns>
    /// <exception cref="HubException">It cannot be had; <see cref="HubException.Failure"/> says why.</exception>
    public async Task<HubSnapshot> FetchAsync(HubModelId model, IProgress<HubProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (_options.Offline)
        {
            return FromCache(model, "HF_HUB_OFFLINE is set") ?? throw new HubException(
                HubFailure.NotInCache, $"{model} is not, or not wholly, in {_cache.Root}, and HF_HUB_OFFLINE forbids to fetch it.");
        }

        // A commit never changes: what is whole in the cache needs no question.
        if (model.IsCommit && FromCache(model, null) is { } known)
        {
            return known;
        }

        try
        {
            return await DownloadAsync(model, progress, cancellation).ConfigureAwait(false);
        }
        catch (HubException e) when (e.Failure == HubFailure.Unreachable && FromCache(model, e.Message) is { } cached)
        {
            return cached;
        }
    }

    /// <summary>Makes sure that one file of a repository is in the cache.</summary>
    /// <param name="model">The repository and its revision.</param>
    /// <param name="file">The file's name, in the repository's own folder.</param>
    /// <param name="largest">A larger file, in bytes, is refused before its first byte.</param>
    /// <param name="progress">Told how the file comes along. Called on pool threads.</param>
    /// <param name="cancellation">Stops; what was downloaded is kept, and the next call goes on from it.</param>
    /// <returns>The file's path, and why it could not be confirmed by the Hub where it is from the cache alone.</returns>
    /// <exception cref="HubException">It cannot be had; <see cref="HubException.Failure"/> says why.</exception>
    public async Task<(string Path, string? Unconfirmed)> FetchFileAsync(
        HubModelId model, string file, long largest, IProgress<HubProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(file);
        if (Path.GetFileName(file) != file)
        {
            throw HubException.Invalid($"'{UntrustedText.Shown(file)}' is no name of a file.");
        }

        string? Cached() => _cache.CommitOf(model) is { } commit && Path.Combine(_cache.Snapshot(model, commit), file) is var path && File.Exists(path) ? path : null;
        if (_options.Offline)
        {
            return Cached() is { } known ? (known, "HF_HUB_OFFLINE is set") : throw new HubException(
                HubFailure.NotInCache, $"{file} of {model} is not in {_cache.Root}, and HF_HUB_OFFLINE forbids to fetch it.");
        }

        try
        {
            var described = await DescribeAsync(model, model.Revision, file, progress, cancellation).ConfigureAwait(false)
                ?? throw new HubException(HubFailure.FileNotFound, $"{model} has no {file}.");
            await StoreAsync(model, described, largest, progress, cancellation).ConfigureAwait(false);
            _cache.Remember(model, described.Commit);
            return (Path.Combine(_cache.Snapshot(model, described.Commit), file), null);
        }
        catch (HubException e) when (e.Failure == HubFailure.Unreachable && Cached() is { })
        {
            return (Cached()!, e.Message);
        }
    }

    /// <summary>A local folder for <c>org/name[@revision]</c>, by the environment's settings.</summary>
    /// <exception cref="HubException">It cannot be had.</exception>
    public static async Task<string> FetchFolderAsync(string model, CancellationToken cancellation)
    {
        using var client = new HubClient(HubOptions.FromEnvironment());
        return (await client.FetchAsync(HubModelId.Parse(model), null, cancellation).ConfigureAwait(false)).Folder;
    }

    public void Dispose() => _connection.Dispose();

    private async Task<HubSnapshot> DownloadAsync(HubModelId model, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        var config = await DescribeAsync(model, model.Revision, VitConfig.FileName, progress, cancellation).ConfigureAwait(false)
            ?? throw new HubException(HubFailure.FileNotFound, $"{model} has no {VitConfig.FileName}; it is no model that can be loaded.");
        var commit = config.Commit;
        var files = new List<string>();
        async Task<bool> Get(string name, HubFile? described = null, long largest = LargestText)
        {
            described ??= await DescribeAsync(model, commit, name, progress, cancellation).ConfigureAwait(false);
            if (described is null)
            {
                _cache.RememberAbsent(model, commit, name);
                return false;
            }

            await StoreAsync(model, described with { Commit = commit }, largest, progress, cancellation).ConfigureAwait(false);
            files.Add(name);
            return true;
        }

        await Get(VitConfig.FileName, config).ConfigureAwait(false);
        await Get(PreprocessorConfig.FileName).ConfigureAwait(false);
        if (!await Get(CheckpointWeights.SingleFileName, null, _options.MaxFileBytes).ConfigureAwait(false))
        {
            if (!await Get(SafetensorsIndex.FileName).ConfigureAwait(false))
            {
                var pickle = await DescribeAsync(model, commit, PickleFileName, progress, cancellation).ConfigureAwait(false);
                throw pickle is null
                    ? new HubException(HubFailure.FileNotFound, $"{model} has no {CheckpointWeights.SingleFileName}.")
                    : new HubException(
                        HubFailure.PickleOnly,
                        $"{model} has its weights only as {PickleFileName}, a pickle, which can run any code when it is read and is never loaded. "
                        + "Use a revision with model.safetensors (often refs/pr/N, made by the Hub's converter), or convert it.");
            }

            foreach (var shard in SafetensorsIndex.Load(Path.Combine(_cache.Snapshot(model, commit), SafetensorsIndex.FileName)).Shards)
            {
                if (!await Get(shard, null, _options.MaxFileBytes).ConfigureAwait(false))
                {
                    throw new HubException(HubFailure.FileNotFound, $"{model} has no {shard}, which its index names.");
                }
            }
        }

        // Last, so that the revision never points to a commit that is only half here, unless it did before.
        _cache.Remember(model, commit);
        return new HubSnapshot(model, commit, _cache.Snapshot(model, commit), files);
    }

    private HubSnapshot? FromCache(HubModelId model, string? unconfirmed)
    {
        if (_cache.CommitOf(model) is not { } commit)
        {
            return null;
        }

        var folder = _cache.Snapshot(model, commit);
        bool Has(string name) => File.Exists(Path.Combine(folder, name));
        if (!Has(VitConfig.FileName)
            || (unconfirmed is null && !Has(PreprocessorConfig.FileName) && !_cache.IsKnownAbsent(model, commit, PreprocessorConfig.FileName)))
        {
            return null;
        }

        List<string> files = [VitConfig.FileName];
        if (Has(PreprocessorConfig.FileName))
        {
            files.Add(PreprocessorConfig.FileName);
        }

        if (Has(CheckpointWeights.SingleFileName))
        {
            files.Add(CheckpointWeights.SingleFileName);
        }
        else if (Has(SafetensorsIndex.FileName))
        {
            files.Add(SafetensorsIndex.FileName);
            files.AddRange(SafetensorsIndex.Load(Path.Combine(folder, SafetensorsIndex.FileName)).Shards);
        }
        else
        {
            return null;
        }

        return files.All(Has) ? new HubSnapshot(model, commit, folder, files, unconfirmed) : null;
    }

    private Task<HubFile?> DescribeAsync(
        HubModelId model, string revision, string file, IProgress<HubProgress>? progress, CancellationToken cancellation) =>
        RepeatAsync(file, () => _connection.DescribeAsync(model, revision, file, cancellation), () => 0, progress, cancellation);

    private async Task StoreAsync(
        HubModelId model, HubFile file, long largest, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        if (file.Size > largest)
        {
            throw new HubException(HubFailure.Protocol, $"{file.Name} of {model} has {file.Size:N0} bytes, over the limit of {largest:N0}.");
        }

        var blob = _cache.Blob(model, file.ETag);
        var incomplete = _cache.Incomplete(model, file.ETag);
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        var waiting = new HubProgress(file.Name, 0, file.Size, $"{file.Name}: another process is downloading it; waiting");
        using (await HubLock.TakeAsync(_cache.LockFile(model, file.ETag), () => progress?.Report(waiting), cancellation).ConfigureAwait(false))
        {
            // A blob of another length is what a crash of the machine leaves of one.
            if (File.Exists(blob) && new FileInfo(blob).Length == file.Size)
            {
                progress?.Report(new HubProgress(file.Name, file.Size, file.Size));
            }
            else
            {
                await DownloadAsync(model, file, incomplete, progress, cancellation).ConfigureAwait(false);
                File.Move(incomplete, blob, overwrite: true);
            }
        }

        _cache.Link(model, file);
    }

    private async Task DownloadAsync(
        HubModelId model, HubFile file, string incomplete, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        const int tries = 2;
        var download = new HubDownload(_connection, _options, progress);
        for (var attempt = 1; ; attempt++)
        {
            var current = file;
            var first = true;
            long Have() => File.Exists(incomplete) ? new FileInfo(incomplete).Length : 0;
            await RepeatAsync(
                file.Name,
                async () =>
                {
                    if (!first)
                    {
                        // Signed addresses expire; and the file has to be the same still.
                        var again = await _connection.DescribeAsync(model, file.Commit, file.Name, cancellation).ConfigureAwait(false);
                        current = again?.ETag == file.ETag ? again : throw new HubException(
                            HubFailure.Protocol, $"{file.Name} of {model} became another file during the download.");
                    }

                    first = false;
                    await download.RunAsync(current, incomplete, cancellation).ConfigureAwait(false);
                    return true;
                },
                Have,
                progress,
                cancellation).ConfigureAwait(false);
            var hash = await BlobHash.OfFileAsync(incomplete, file.ETag, cancellation).ConfigureAwait(false);
            if (hash == file.ETag)
            {
                return;
            }

            // An earlier, interrupted download may have left wrong bytes; from nothing they have to be right.
            File.Delete(incomplete);
            var message = $"{file.Name} of {model} has the hash {hash}, but the Hub announced {file.ETag}";
            if (attempt == tries)
            {
                throw new HubException(HubFailure.Corrupt, message + ". The file was thrown away.");
            }

            progress?.Report(new HubProgress(file.Name, 0, file.Size, message + "; downloading it again"));
        }
    }

    private async Task<T> RepeatAsync<T>(
        string file, Func<Task<T>> attempt, Func<long> have, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        var policy = new BackoffPolicy(_options.MinWait, _options.MaxWait);
        var failures = 0;
        while (true)
        {
            var before = have();
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (HubTransientException e)
            {
                failures = have() - before >= WholeMebibyte ? 1 : failures + 1;
                if (failures >= _options.Attempts)
                {
                    throw new HubException(
                        HubFailure.Unreachable, string.Create(CultureInfo.InvariantCulture, $"{e.Message} ({failures} attempts in a row failed)."), e);
                }

#pragma warning disable CA5394 // Jitter is no secret.
                var wait = policy.Delay(failures, Random.Shared.NextDouble());
#pragma warning restore CA5394
                if (e.RetryAfter is { } asked && asked > wait)
                {
                    wait = asked < _options.MaxWait ? asked : _options.MaxWait;
                }

                progress?.Report(new HubProgress(file, have(), 0, string.Create(
                    CultureInfo.InvariantCulture, $"{e.Message}; trying again in {wait.TotalSeconds:0.#} s")));
                await _wait(wait, cancellation).ConfigureAwait(false);
            }
        }
    }
}
