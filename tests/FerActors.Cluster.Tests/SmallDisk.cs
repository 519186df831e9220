using System.ComponentModel;
using System.Globalization;

namespace FerActors.Cluster.Tests;

/// <summary>A file system of a given size in the place of a folder, with the folder's files. Needs root and tmpfs.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    /// <summary>Mounts one; null where that cannot be done.</summary>
    /// <param name="folder">The folder; what is written to it from now on is gone afterwards.</param>
    /// <param name="spare">Bytes beyond those of its files.</param>
    public static async Task<SmallDisk?> TryMountAsync(string folder, long spare)
    {
        var copy = Directory.CreateTempSubdirectory("fer-disk-").FullName;
        try
        {
            await Chaos.RunAsync("cp", "-a", folder + "/.", copy);
            var files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
            await Chaos.RunAsync("mount", "-t", "tmpfs", "-o", Size(files + spare), "tmpfs", folder);
            var disk = new SmallDisk(folder);
            await Chaos.RunAsync("cp", "-a", copy + "/.", folder);
            return disk;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            return null;
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>Gives it plenty of space.</summary>
    public Task GrowAsync() => Chaos.RunAsync("mount", "-o", "remount," + Size(1L << 30), _folder);

    public async ValueTask DisposeAsync() => await Chaos.RunAsync("umount", "-l", _folder);

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"size={bytes}");
}
