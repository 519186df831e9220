using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace FerActors.Training.Node;

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

    internal SafeFileHandle Handle => _file;

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

    /// <summary>Takes the folder where it has no other writer.</summary>
    /// <param name="folder">The run's folder; it must exist.</param>
    /// <param name="holder">Names the process: machine, a slash, anything.</param>
    /// <exception cref="IOException">Another process, or another machine, holds it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static RunLease TakeNow(string folder, string holder)
    {
        var path = Path.Combine(folder, FileName);
        var file = Open(path) ?? throw new IOException($"Another process works in {folder}. Wait for it, or name another folder for this run.");
        var content = Read(file);
        if (content.Length > 0 && Machine(content) != Machine(holder))
        {
            file.Dispose();
            throw new IOException($"The machine {Machine(content)} works in {folder}. Where it no longer does, delete {path}.");
        }

        var lease = new RunLease(file, holder, attempt: 1);
        lease.Renew(force: true);
        return lease;
    }

    /// <summary>Works in the folder, renewing the lease all the while.</summary>
    /// <param name="timeout">After so long without renewal another machine may take the folder.</param>
    /// <param name="work">Is cancelled where the lease is lost.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InvalidOperationException">The lease was lost.</exception>
    public async Task<T> HoldAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(work);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var renewing = new CancellationTokenSource();
        var renewal = RenewAsync(timeout / 4, stop, renewing.Token);
        try
        {
            return await work(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new InvalidOperationException("The run's folder was taken by another node, or its lease could not be renewed.");
        }
        finally
        {
            await renewing.CancelAsync();
            await renewal;
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

    private async Task RenewAsync(TimeSpan every, CancellationTokenSource stop, CancellationToken end)
    {
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(end))
            {
                if (!Renew())
                {
                    await stop.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The work has ended.
        }
        catch (IOException)
        {
            await stop.CancelAsync();
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
