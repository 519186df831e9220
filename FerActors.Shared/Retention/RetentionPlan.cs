namespace FerActors.Shared.Retention;

/// <summary>Decides which retained images go. Pure.</summary>
public static class RetentionPlan
{
    /// <summary>The files whose time is over, and the oldest of the others where all together have too many bytes.</summary>
    /// <param name="files">All that are there.</param>
    /// <param name="now">The time.</param>
    /// <param name="keepFor">How long an image is kept.</param>
    /// <param name="maxBytes">Bytes of all images.</param>
    public static IReadOnlyList<RetainedFile> ToDelete(
        IReadOnlyCollection<RetainedFile> files, DateTimeOffset now, TimeSpan keepFor, long maxBytes)
    {
        ArgumentNullException.ThrowIfNull(files);
        var deleted = new List<RetainedFile>();
        long kept = 0;
        foreach (var file in files.OrderByDescending(file => file.At))
        {
            // A time in the future is a clock that was set back: such a file would otherwise outlive its time.
            if (now - file.At >= keepFor || file.At - now >= keepFor || kept + file.Bytes > maxBytes)
            {
                deleted.Add(file);
            }
            else
            {
                kept += file.Bytes;
            }
        }

        return deleted;
    }
}
