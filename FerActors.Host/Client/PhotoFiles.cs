namespace FerActors.Host.Client;

/// <summary>The files that a person means by paths of files and folders.</summary>
internal static class PhotoFiles
{
    private static readonly string[] Endings = [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp"];

    /// <summary>Each file as it is named, and of each folder the images right in it, by their endings and in the order of their names.</summary>
    /// <exception cref="FileNotFoundException">A path leads nowhere.</exception>
    /// <exception cref="InvalidDataException">A folder has no image.</exception>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var files = new List<string>();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                var images = Directory.EnumerateFiles(path)
                    .Where(file => Endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                    .Order(StringComparer.Ordinal)
                    .ToList();
                files.AddRange(images.Count > 0 ? images : throw new InvalidDataException($"The folder '{path}' holds no file that ends in {string.Join(", ", Endings)}."));
            }
            else
            {
                files.Add(File.Exists(path) ? path : throw new FileNotFoundException($"There is no file or folder '{path}'."));
            }
        }

        return files;
    }
}
