using FerActors.Shared.Files;
using FerActors.Shared.Options;
using FerActors.Shared.Retention;

namespace FerActors.Host.Retention;

/// <summary>The folder of retained images. Blocks: it is used off the actors' threads.</summary>
public sealed class RetainedImages(RetentionOptions options)
{
    private const string Unfinished = ".part";

    private readonly byte[]? _key = options.ReadKey();

    /// <summary>Whether what is written is encrypted.</summary>
    public bool Encrypts => _key is not null;

    /// <summary>Writes an image, as a whole or not at all; its owner alone may read it.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Write(RetainedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var name = RetainedName.Of(image.MessageId, image.At).ToString();
        var path = Path.Combine(options.Folder, name);
        using (var stream = OwnerOnlyFiles.Open(
            options.Folder, name + Unfinished, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write }))
        {
            stream.Write(image.ToFile(_key));
        }

        File.Move(path + Unfinished, path, overwrite: true);
    }

    /// <summary>All images that are there. Files of other names are none of ours, and stay.</summary>
    public IReadOnlyList<RetainedFile> All() => Files(RetainedName.Pattern);

    /// <summary>The images of a message; several where it was delivered more than once.</summary>
    public IReadOnlyList<RetainedFile> Of(string messageId) => Files(RetainedName.PatternOf(messageId));

    /// <summary>Reads one.</summary>
    /// <exception cref="InvalidDataException">It is none, or cannot be decrypted.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public RetainedImage Read(RetainedFile file) => RetainedImage.FromFile(File.ReadAllBytes(file.Path), _key);

    /// <summary>Deletes what the options do not keep any more.</summary>
    /// <returns>How many were deleted.</returns>
    public int Sweep(DateTimeOffset now)
    {
        var old = RetentionPlan.ToDelete(All(), now, options.KeepFor, options.MaxBytes);
        foreach (var file in old)
        {
            File.Delete(file.Path);
        }

        return old.Count + SweepUnfinished(now);
    }

    /// <summary>Deletes the images of a message.</summary>
    /// <returns>How many were deleted.</returns>
    public int Delete(string messageId)
    {
        var files = Of(messageId);
        foreach (var file in files)
        {
            File.Delete(file.Path);
        }

        return files.Count;
    }

    // What a crash left half-written holds a part of an image.
    private int SweepUnfinished(DateTimeOffset now)
    {
        var deleted = 0;
        foreach (var path in Directory.Exists(options.Folder) ? Directory.GetFiles(options.Folder, RetainedName.Pattern + Unfinished) : [])
        {
            if (RetainedName.TryParse(Path.GetFileName(path)[..^Unfinished.Length], out var name) && now - name!.At > TimeSpan.FromMinutes(1))
            {
                File.Delete(path);
                deleted++;
            }
        }

        return deleted;
    }

    private List<RetainedFile> Files(string pattern)
    {
        var files = new List<RetainedFile>();
        foreach (var file in Directory.Exists(options.Folder) ? new DirectoryInfo(options.Folder).GetFiles(pattern) : [])
        {
            if (RetainedName.TryParse(file.Name, out var name))
            {
                files.Add(new RetainedFile(file.FullName, name!.At, file.Length));
            }
        }

        return files;
    }
}
