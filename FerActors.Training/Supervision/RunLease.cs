using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace FerActors.Training.Supervision;

/// <summary>The right to write a run's folder: two writers would destroy each other's checkpoints.</summary>
/// <remarks>
/// The holder keeps the lease file locked, which the kernel ends with the process, however that dies. Where the storage does not
/// carry locks between machines the file's content counts: the holder renews a number in it, and a lease of another machine is free
/// once the number stood still for the timeout by the taker's own clock.
/// </remarks>
public sealed class RunLease : IDisposable
{
    public const string FileName = "lease";

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);

    private readonly SafeFileHandle _file;
    private readonly string _holder;
    private readonly int _attempt;
    private long _beat;

    private RunLease(SafeFileHandle file, string holder, int attempt)
    {
        _file = file;
        _holder = holder;
        _attempt = attempt;
    }

    /// <summary>Waits until the folder has no other writer, and takes it.</summary>
    /// <param name="folder">The run's folder; it must exist.</param>
    /// <param name="holder">Names the process: machine, a slash, anything.</param>
    /// <param name="attempt">Written down for people.</param>
    /// <param name="timeout">How long another machine's lease must stand still to be free.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static async Task<RunLease> TakeAsync(
        string folder, string holder, int attempt, TimeSpan timeout, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, FileName);
        var seen = "";
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Open(path) is { } file)
            {
                var content = Read(file);
                if (content != seen)
                {
                    seen = content;
                    since = TimeProvider.System.GetTimestamp();
                }

                if (content.Length == 0 || Machine(content) == Machine(holder) || TimeProvider.System.GetElapsedTime(since) >= timeout)
                {
                    var lease = new RunLease(file, holder, attempt);
                    lease.Renew(force: true);
                    return lease;
                }

                file.Dispose();
            }

            await Task.Delay(timeout < Retry ? timeout : Retry, cancellation);
        }
    }

    /// <summary>Shows that the holder is alive.</summary>
    /// <returns>False where another holder has taken the folder; then nothing more may be written into it.</returns>
    /// <exception cref="IOException">The disk is full or not writable.</exception>
    public bool Renew() => Renew(force: false);

    /// <summary>Frees the folder.</summary>
    public void Dispose()
    {
        if (!_file.IsClosed)
        {
            if (IsMine(Read(_file)))
            {
                RandomAccess.SetLength(_file, 0);
            }

            _file.Dispose();
        }
    }

    private bool Renew(bool force)
    {
        if (!force && !IsMine(Read(_file)))
        {
            return false;
        }

        _beat++;
        var text = string.Create(CultureInfo.InvariantCulture, $"{_holder}\nattempt {_attempt}\nbeat {_beat}\n");
        var bytes = Encoding.UTF8.GetBytes(text);
        RandomAccess.Write(_file, bytes, 0);
        RandomAccess.SetLength(_file, bytes.Length);
        return true;
    }

    private bool IsMine(string content) => content.StartsWith(_holder + "\n", StringComparison.Ordinal);

    // Null where another process, or another attempt of this one, holds the lock.
    private static SafeFileHandle? Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
    }

    private static string Read(SafeFileHandle file)
    {
        var bytes = new byte[1024];
        return Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(file, bytes, 0));
    }

    private static string Machine(string content) => content.Split('/', '\n')[0];
}
