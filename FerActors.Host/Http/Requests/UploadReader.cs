using System.Buffers;
using System.Text;
using System.Text.Json;
using FerActors.Shared.Messaging;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace FerActors.Host.Http.Requests;

/// <summary>What a client sent.</summary>
/// <param name="Images">The encoded images, at least one.</param>
/// <param name="Fields">The form's other fields, of those that are known.</param>
internal sealed record Upload(IReadOnlyList<ReadOnlyMemory<byte>> Images, IReadOnlyDictionary<string, string> Fields);

/// <summary>
/// Reads images from a request: a form (multipart/form-data), JSON where one image is taken, or the body itself whatever its type says.
/// All stays in memory, bounded as it arrives: a form reader of the framework would write large files to the disk. File names are never
/// looked at.
/// </summary>
/// <param name="maxImageBytes">Bytes of one image.</param>
/// <param name="maxImages">Images of one request.</param>
/// <param name="timeout">Longest time for the whole body.</param>
/// <param name="fetch">Fetches an image by its address. Absent: JSON is not read.</param>
internal sealed class UploadReader(
    int maxImageBytes, int maxImages, TimeSpan timeout, Func<string, CancellationToken, Task<ReadOnlyMemory<byte>>>? fetch = null)
{
    private const int MaxBoundaryLength = 70;
    private const int MaxFieldBytes = 1024;
    private const int MaxFields = 16;
    private const int MaxPartHeaders = 16;
    private const int MaxPartHeaderBytes = 8 * 1024;

    private const int MaxJsonDepth = 8;

    private const string ImageField = "image";
    private const string UrlField = "image_url";

    /// <summary>The parameters, as fields of a form or in the query.</summary>
    public static readonly string[] KnownFields = ["faces", "include", "aligned", "explain"];

    /// <summary>Bytes of a body in JSON whose image has as many bytes as it may have: base64 makes four letters of three bytes.</summary>
    /// <param name="maxImageBytes">Bytes of one image.</param>
    /// <param name="more">What else there may be.</param>
    public static long JsonBytes(int maxImageBytes, int more) => (((long)maxImageBytes + 2) / 3 * 4) + more;

    /// <exception cref="ApiException">The body is no upload, too large, or too slow.</exception>
    public async Task<Upload> ReadAsync(HttpRequest request, CancellationToken aborted)
    {
        if (fetch is not null && IsJson(request.ContentType))
        {
            var most = (int)JsonBytes(maxImageBytes, MaxFields * MaxFieldBytes);
            return await ReadJsonAsync(await ReadBytesAsync(request, most, timeout, aborted), fetch, aborted);
        }

        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        bounded.CancelAfter(timeout);
        try
        {
            return MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
                ? await ReadFormAsync(request.Body, HeaderUtilities.RemoveQuotes(type.Boundary).Value, bounded.Token)
                : new Upload([await ReadBytesAsync(request.Body, maxImageBytes, TooLarge, bounded.Token)], new Dictionary<string, string>());
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            throw new ApiException(ApiCodes.SlowBody, $"The body did not arrive within {timeout.TotalSeconds:0.###} s.");
        }
    }

    /// <summary>Reads a whole body, bounded in length and time.</summary>
    /// <exception cref="ApiException">It is too large or too slow.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, int most, TimeSpan timeout, CancellationToken aborted)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        bounded.CancelAfter(timeout);
        try
        {
            return await ReadBytesAsync(
                request.Body, most, () => new ApiException(ErrorCodes.TooLarge, $"The body has more than {most} bytes."), bounded.Token);
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            throw new ApiException(ApiCodes.SlowBody, $"The body did not arrive within {timeout.TotalSeconds:0.###} s.");
        }
    }

    private async Task<Upload> ReadJsonAsync(
        ReadOnlyMemory<byte> body, Func<string, CancellationToken, Task<ReadOnlyMemory<byte>>> fetch, CancellationToken aborted)
    {
        var members = ReadMembers(body);
        var (text, url) = (members.GetValueOrDefault(ImageField), members.GetValueOrDefault(UrlField));
        members.Remove(ImageField);
        members.Remove(UrlField);
        switch (text, url)
        {
            case (null, null) or (not null, not null):
                throw MalformedJson($"it must have one of {ImageField} (base64) and {UrlField}");
            case (_, not null):
                return new Upload([await fetch(url, aborted)], members);
            default:
                return !ImageText.TryDecode(text, out var image, out var fault) ? throw MalformedJson($"its {ImageField} {fault}")
                    : image.Length > maxImageBytes ? throw TooLarge()
                    : new Upload([image], members);
        }
    }

    private static Dictionary<string, string> ReadMembers(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = MaxJsonDepth });
            var members = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var member in json.RootElement.ValueKind == JsonValueKind.Object ? json.RootElement.EnumerateObject() : throw MalformedJson("it is not an object"))
            {
                IReadOnlyList<string> known = [ImageField, UrlField, .. KnownFields];
                if (!known.Contains(member.Name))
                {
                    throw new ApiException(
                        ApiCodes.InvalidRequest,
                        QueryGuard.Sentence($"The JSON cannot be used: its member '{UntrustedText.Shown(member.Name)}' is not known", member.Name, known));
                }

                if (member.Value.ValueKind != JsonValueKind.Null)
                {
                    members[member.Name] = member.Value.ValueKind switch
                    {
                        JsonValueKind.String => member.Value.GetString()!,
                        JsonValueKind.True => "true",
                        JsonValueKind.False => "false",
                        _ => throw MalformedJson($"its member {member.Name} is not a text"),
                    };
                }
            }

            return members;
        }
        catch (JsonException)
        {
            throw MalformedJson("it is not well-formed or ends early");
        }
        catch (InvalidOperationException)
        {
            throw MalformedJson("a text in it is not Unicode");
        }
    }

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type) && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase);

    private async Task<Upload> ReadFormAsync(Stream body, string? boundary, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundaryLength)
        {
            throw Malformed("its boundary is missing or too long");
        }

        var images = new List<ReadOnlyMemory<byte>>();
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var reader = new MultipartReader(boundary, body) { HeadersCountLimit = MaxPartHeaders, HeadersLengthLimit = MaxPartHeaderBytes };
            for (var parts = 0; await reader.ReadNextSectionAsync(cancellation) is { } part; parts++)
            {
                if (parts == maxImages + MaxFields)
                {
                    throw Malformed("it has too many parts");
                }

                // A file name is optional (RFC 7578, 4.2): what is called image, or says that it is bytes, is an image without one too.
                if (!ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var disposition))
                {
                    throw Malformed("a part has no name");
                }

                var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
                if (!disposition.IsFileDisposition() && name != ImageField && !IsBytes(part.ContentType))
                {
                    if (Array.IndexOf(KnownFields, name) < 0)
                    {
                        throw new ApiException(
                            ApiCodes.InvalidRequest,
                            QueryGuard.Sentence($"The form cannot be used: its field '{UntrustedText.Shown(name)}' is not known", name, [ImageField, .. KnownFields]));
                    }

                    var text = await ReadBytesAsync(part.Body, MaxFieldBytes, () => Malformed($"its field {name} is too long"), cancellation);
                    fields[name] = Encoding.UTF8.GetString(text.Span);
                }
                else if (images.Count == maxImages)
                {
                    throw Malformed(maxImages == 1 ? "it holds more than one image" : $"it holds more than {maxImages} images");
                }
                else
                {
                    images.Add(await ReadBytesAsync(part.Body, maxImageBytes, TooLarge, cancellation));
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw Malformed("it is not well-formed or ends early");
        }

        return images.Count > 0 ? new Upload(images, fields) : throw Malformed("it holds no image");
    }

    private static bool IsBytes(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && (type.Type.Equals("image", StringComparison.OrdinalIgnoreCase) || type.MediaType.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase));

    // Grows with what arrives and not with what the client announces.
    internal static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(Stream body, int most, Func<ApiException> tooLarge, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(32 * 1024);
        try
        {
            while (await body.ReadAsync(buffer, cancellation) is var read and > 0)
            {
                if (all.Length + read > most)
                {
                    throw tooLarge();
                }

                all.Write(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return all.GetBuffer().AsMemory(0, (int)all.Length);
    }

    /// <summary>The refusal of an image with too many bytes.</summary>
    public static ApiException TooLarge(int most) => new(ErrorCodes.TooLarge, $"The image has more than {most} bytes.");

    private ApiException TooLarge() => TooLarge(maxImageBytes);

    private static ApiException MalformedJson(string why) => new(ApiCodes.InvalidRequest, $"The JSON cannot be used: {why}.");

    private static ApiException Malformed(string why) => new(ApiCodes.InvalidRequest, $"The form cannot be used: {why}.");
}
