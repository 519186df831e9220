using System.Diagnostics;
using System.Net;

namespace FerActors.Training.Hub;

/// <summary>Brings one file's bytes onto the disk, going on where an earlier attempt, of this process or another, was cut off.</summary>
internal sealed class HubDownload(HubConnection connection, HubOptions options, IProgress<HubProgress>? progress)
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(100);

    // ENOSPC and EDQUOT of Linux; ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL of Windows.
    private static readonly int[] Full = [28, 122, unchecked((int)0x80070070), unchecked((int)0x80070027)];

    private string? _validator;

    /// <summary>One attempt. Where it fails, what it brought stays on the disk.</summary>
    /// <param name="file">What is wanted.</param>
    /// <param name="path">The unfinished file.</param>
    /// <param name="cancellation">Stops within a chunk.</param>
    /// <exception cref="HubTransientException">The body was cut off, or fell silent.</exception>
    /// <exception cref="HubException">The disk is full, or the server sends more than it announced.</exception>
    public async Task RunAsync(HubFile file, string path, CancellationToken cancellation)
    {
        var from = File.Exists(path) ? new FileInfo(path).Length : 0;
        if (from > file.Size)
        {
            File.Delete(path);
            from = 0;
        }

        EnsureSpace(file, path, from);
        if (from == file.Size && from > 0)
        {
            return;
        }

        using var response = await connection.OpenAsync(file, from, _validator ?? file.Validator, cancellation).ConfigureAwait(false);
        var range = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable
            || (response.StatusCode == HttpStatusCode.PartialContent && (range?.From != from || (range.Length is { } whole && whole != file.Size))))
        {
            File.Delete(path);
            throw new HubTransientException($"{file.Name}: the server does not go on where the file was cut off", null);
        }

        // With this a later attempt makes sure that it goes on with the same bytes.
        _validator = response.Headers.ETag is { IsWeak: false } strong ? strong.Tag : null;
        if (response.StatusCode == HttpStatusCode.OK)
        {
            from = 0;
        }

        await CopyAsync(response, file, path, from, cancellation).ConfigureAwait(false);
    }

    private static void EnsureSpace(HubFile file, string path, long have)
    {
        try
        {
            var free = new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace;
            if (free < file.Size - have)
            {
                throw NoSpace(file, path, null);
            }
        }
        catch (Exception e) when (e is ArgumentException or UnauthorizedAccessException or (IOException and not HubException))
        {
            // A file system that does not tell. The write itself will.
        }
    }

    private static HubException NoSpace(HubFile file, string path, Exception? inner) => new(
        HubFailure.DiskFull,
        $"The disk of {Path.GetDirectoryName(path)} is full: {file.Name} needs {file.Size:N0} bytes. Make room, or set HF_HUB_CACHE; what was downloaded is kept.",
        inner);

    private async Task CopyAsync(HttpResponseMessage response, HubFile file, string path, long from, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        var done = from;
        try
        {
            var target = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, 1, useAsync: true);
            await using (target.ConfigureAwait(false))
            {
                if (target.Length > from)
                {
                    target.SetLength(from);
                }

                target.Position = from;

                var buffer = new byte[1 << 17];
                int count;
                while ((count = await ReadAsync(body, buffer, file, cancellation).ConfigureAwait(false)) > 0)
                {
                    done += count;
                    if (done > file.Size)
                    {
                        throw new HubException(HubFailure.Corrupt, $"{file.Name}: the server sends more than the {file.Size:N0} bytes that it announced.");
                    }

                    await target.WriteAsync(buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
                    if (clock.Elapsed >= ReportEvery)
                    {
                        progress?.Report(new HubProgress(file.Name, done, file.Size));
                        clock.Restart();
                    }
                }

                target.Flush(flushToDisk: true);
            }
        }
        catch (IOException e) when (Full.Contains(e.HResult))
        {
            throw NoSpace(file, path, e);
        }
        catch (HubException)
        {
            File.Delete(path);
            throw;
        }

        progress?.Report(new HubProgress(file.Name, done, file.Size));
        if (done < file.Size)
        {
            throw new HubTransientException($"{file.Name}: the answer ended after {done:N0} of {file.Size:N0} bytes", null);
        }
    }

    private async Task<int> ReadAsync(Stream body, byte[] buffer, HubFile file, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.BodyTimeout);
        try
        {
            return await body.ReadAsync(buffer, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new HubTransientException($"{file.Name}: nothing came for {options.BodyTimeout.TotalSeconds:0.#} s", null, e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new HubTransientException($"{file.Name}: the connection broke off", null, e);
        }
    }
}
