namespace FerActors.Training.Hub;

/// <summary>
/// The lock file of one blob. It is held by the operating system (flock, as in Python's <c>filelock</c>), so that our processes and
/// Python's take turns, and a killed process leaves no lock behind.
/// </summary>
internal static class HubLock
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows: what .NET reports for a file that another has locked.
    private static readonly int[] Taken = [11, 35, unchecked((int)0x80070020)];

    /// <summary>Waits until the lock is ours; disposing gives it back.</summary>
    /// <param name="path">The lock file; made where it does not exist, and left in place as Python's tools do.</param>
    /// <param name="waiting">Called once where another holds it.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public static async Task<IDisposable> TakeAsync(string path, Action waiting, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var told = false;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException e) when (Taken.Contains(e.HResult))
            {
                if (!told)
                {
                    told = true;
                    waiting();
                }
            }

            await Task.Delay(Poll, cancellation).ConfigureAwait(false);
        }
    }
}
