namespace FerActors.Training.Hub;

/// <summary>A model as it lies in the cache.</summary>
/// <param name="Model">What was asked for.</param>
/// <param name="Commit">The commit that the revision means.</param>
/// <param name="Folder">The folder with the files; <c>VitCheckpoint.Load</c> takes it.</param>
/// <param name="Files">The names of the files, weights last.</param>
/// <param name="Unconfirmed">The Hub could not be asked, so that the revision may have moved on; says why. Else <see langword="null"/>.</param>
public sealed record HubSnapshot(HubModelId Model, string Commit, string Folder, IReadOnlyList<string> Files, string? Unconfirmed = null)
{
    /// <summary>Copies the files into a folder, as files: those of the cache are links, which the model registry does not take.</summary>
    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="cancellation">Stops; what was copied stays.</param>
    /// <exception cref="IOException">A file is there already, or the disk failed.</exception>
    public async Task CopyToAsync(string folder, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in Files)
        {
            var source = new FileStream(Path.Combine(Folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, 1, useAsync: true);
            await using (source.ConfigureAwait(false))
            {
                var target = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, useAsync: true);
                await using (target.ConfigureAwait(false))
                {
                    await source.CopyToAsync(target, 1 << 20, cancellation).ConfigureAwait(false);
                }
            }
        }
    }
}
