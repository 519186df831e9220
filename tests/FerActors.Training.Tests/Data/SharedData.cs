namespace FerActors.Training.Tests.Data;

/// <summary>Finds data that stands beside the repository and is not part of it.</summary>
internal static class SharedData
{
    /// <summary>The full path, or a skipped test where the data is absent.</summary>
    public static string Require(params string[] parts)
    {
        var folder = Environment.GetEnvironmentVariable("FER_SHARED_DIR") ?? Beside();
        Skip.If(folder is null, "FER_SHARED_DIR is not set and no shared folder stands beside the repository.");
        var path = Path.Combine([folder!, .. parts]);
        Skip.IfNot(File.Exists(path), $"{string.Join('/', parts)} is not in the shared folder.");
        return path;
    }

    private static string? Beside()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
            {
                var shared = Path.Combine(folder.Parent?.FullName ?? "", "shared");
                return Directory.Exists(shared) ? shared : null;
            }
        }

        return null;
    }
}
