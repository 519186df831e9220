using FerActors.Inference.Faces;
using FerActors.Shared.Files;
using FerActors.Training.Hub;

namespace FerActors.Host.Detectors;

/// <summary>
/// Brings a YuNet file into a folder, from the Hub or from a place that was named, and only one whose bytes are known: a detector
/// reads the pictures of strangers.
/// </summary>
/// <param name="hub">Where the Hub is and how patient its client is.</param>
/// <param name="wanted">The file that the Hub is asked for.</param>
/// <param name="known">The files that a named place may give.</param>
internal sealed class DetectorFetch(HubOptions hub, DetectorModel wanted, IReadOnlyList<DetectorModel> known)
{
    /// <summary>Names an address (http, https) or a file that YuNet is taken from instead of the Hub.</summary>
    public const string SourceVariable = "FER_DETECTOR_URL";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Makes sure that the folder holds a known file.</summary>
    /// <param name="folder">It is made where it does not exist.</param>
    /// <param name="source">An address or a file, or <see langword="null"/> for the Hub.</param>
    /// <param name="progress">Told how a file of the Hub comes along.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The file's path, and whether it was there before.</returns>
    /// <exception cref="FaceDetectorException">It cannot be had; the message says why.</exception>
    public async Task<(string Path, bool WasThere)> RunAsync(
        string folder, string? source, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        if (known.FirstOrDefault(model => model.IsIn(folder)) is { } there)
        {
            return (Path.Combine(folder, there.FileName), true);
        }

        try
        {
            var (bytes, origin) = string.IsNullOrWhiteSpace(source)
                ? await FromHubAsync(progress, cancellation)
                : await FromSourceAsync(source.Trim(), cancellation);
            var model = known.FirstOrDefault(model => model.Matches(bytes)) ?? throw new FaceDetectorException(
                $"What {origin} gives is none of the known YuNet files ({string.Join(", ", known.Select(m => m.FileName))}): its size or its SHA-256 differs, so that it was thrown away.");
            return (await StoreAsync(folder, model, bytes, cancellation), false);
        }
        catch (Exception e) when (e is HubException or IOException or UnauthorizedAccessException or HttpRequestException)
        {
            throw new FaceDetectorException(e.Message, e);
        }
    }

    private static async Task<string> StoreAsync(string folder, DetectorModel model, byte[] bytes, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, model.FileName);
        var draft = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            // A node that starts meanwhile sees no half a file.
            await File.WriteAllBytesAsync(draft, bytes, cancellation);
            File.Move(draft, path, overwrite: true);
        }
        finally
        {
            File.Delete(draft);
        }

        return path;
    }

    private async Task<(byte[] Bytes, string Origin)> FromHubAsync(IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        using var client = new HubClient(hub);
        var (path, _) = await client.FetchFileAsync(HubModelId.Parse(DetectorModel.Repository), wanted.FileName, wanted.Bytes, progress, cancellation);
        return (await RegularFile.ReadAllBytesAsync(path, cancellation), $"the Hub's {DetectorModel.Repository}");
    }

    private async Task<(byte[] Bytes, string Origin)> FromSourceAsync(string source, CancellationToken cancellation)
    {
        var largest = known.Max(model => model.Bytes);
        if (!Uri.TryCreate(source, UriKind.Absolute, out var uri) || uri.IsFile)
        {
            var file = new FileInfo(uri?.LocalPath ?? source);
            if (!file.Exists || file.Length > largest)
            {
                throw new FaceDetectorException(file.Exists
                    ? $"{file.FullName} ({SourceVariable}) has {file.Length:N0} bytes, more than any known YuNet file."
                    : $"There is no file {file.FullName} ({SourceVariable}).");
            }

            return (await RegularFile.ReadAllBytesAsync(file.FullName, cancellation), file.FullName);
        }

        if (uri.Scheme is not ("http" or "https"))
        {
            throw new FaceDetectorException($"{SourceVariable} has to be an http or https address, or a file.");
        }

        // A user and password, or a signature in the query, are nobody's business.
        var shown = uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        using var http = new HttpClient { Timeout = Patience, MaxResponseContentBufferSize = largest };
        if (uri.UserInfo.Length > 0)
        {
            http.DefaultRequestHeaders.Authorization = new(
                "Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(uri.UserInfo))));
        }

        try
        {
            return (await http.GetByteArrayAsync(uri, cancellation), shown);
        }
        catch (HttpRequestException e)
        {
            throw new FaceDetectorException($"{shown} ({SourceVariable}) does not give the file: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new FaceDetectorException($"{shown} ({SourceVariable}) did not answer within {Patience.TotalSeconds:0} s.", e);
        }
    }
}
