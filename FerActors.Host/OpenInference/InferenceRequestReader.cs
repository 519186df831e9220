using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using FerActors.Host.Api;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Host.OpenInference;

/// <summary>
/// Reads the body of an inference request: JSON, and behind it the tensor's bytes where the client uses the binary extension. The one
/// input is called <c>image</c>: BYTES with encoded images, or UINT8 with pixels or with the bytes of one encoded image.
/// </summary>
/// <param name="maxImageBytes">Bytes of one image as it is published.</param>
/// <param name="maxImages">Images of one request.</param>
internal sealed class InferenceRequestReader(int maxImageBytes, int maxImages)
{
    /// <summary>The name of the one input.</summary>
    public const string InputName = "image";

    private static readonly string[] Parameters = ["faces", "aligned"];

    /// <param name="body">The whole body.</param>
    /// <param name="jsonLength">Bytes of the JSON (header <c>Inference-Header-Content-Length</c>); absent where it is all of the body.</param>
    /// <exception cref="ApiException">It is not a request that can be answered.</exception>
    public InferenceRequest Read(ReadOnlyMemory<byte> body, int? jsonLength)
    {
        if (jsonLength is { } length && (length < 0 || length > body.Length))
        {
            throw Invalid("the header Inference-Header-Content-Length names more bytes than there are");
        }

        try
        {
            var text = jsonLength is { } end ? body[..end] : body;
            using var json = JsonDocument.Parse(text);
            return Read(json.RootElement, text.Length, body[text.Length..]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            // What the JSON library says of a wrong kind or a missing member names no position; the protocol's form is short enough.
            throw Invalid("it is not JSON of the Open Inference Protocol, version 2");
        }
    }

    private InferenceRequest Read(JsonElement request, int textLength, ReadOnlyMemory<byte> raw)
    {
        var inputs = request.GetProperty("inputs");
        if (inputs.GetArrayLength() != 1 || inputs[0].GetProperty("name").GetString() != InputName)
        {
            throw Invalid($"it must have one input with the name '{InputName}'");
        }

        var id = request.TryGetProperty("id", out var given) ? given.GetString() : null;
        return new InferenceRequest(id, ReadImages(inputs[0], textLength, raw), ReadParameters(request), ReadOutputs(request));
    }

    private List<ReadOnlyMemory<byte>> ReadImages(JsonElement input, int textLength, ReadOnlyMemory<byte> raw)
    {
        var shape = input.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64()).ToArray();
        if (shape.Length is < 1 or > 4 || shape.Any(dimension => dimension is < 1 or > int.MaxValue))
        {
            throw Invalid("the shape must have one to four dimensions, each at least 1");
        }

        var binary = input.TryGetProperty("parameters", out var parameters) && parameters.TryGetProperty("binary_data_size", out var size)
            ? Take(raw, size.GetInt64())
            : (ReadOnlyMemory<byte>?)null;
        return input.GetProperty("datatype").GetString() switch
        {
            "BYTES" => ReadEncoded(input, shape, binary),
            "UINT8" => ReadPixels(input, shape, textLength, binary),
            var other => throw Invalid($"the datatype is '{other}'; it must be BYTES or UINT8"),
        };
    }

    private List<ReadOnlyMemory<byte>> ReadEncoded(JsonElement input, long[] shape, ReadOnlyMemory<byte>? binary)
    {
        var count = Product(shape);
        CheckCount(count);
        var images = new List<ReadOnlyMemory<byte>>();
        if (binary is { } rest)
        {
            // Each element: its length in four bytes, little-endian, and its bytes.
            while (rest.Length >= sizeof(int))
            {
                var length = BinaryPrimitives.ReadUInt32LittleEndian(rest.Span);
                if (length > rest.Length - sizeof(int) || images.Count == count)
                {
                    throw Invalid("the binary data does not fit the shape");
                }

                images.Add(rest.Slice(sizeof(int), (int)length));
                rest = rest[(sizeof(int) + (int)length)..];
            }
        }
        else
        {
            images.AddRange(Leaves(input.GetProperty("data")).Take(maxImages + 1).Select(leaf => (ReadOnlyMemory<byte>)leaf.GetBytesFromBase64()));
        }

        return images.Count == count && images.All(image => image.Length <= maxImageBytes)
            ? images
            : throw (images.Count == count ? TooLarge() : Invalid("the data does not fit the shape"));
    }

    private List<ReadOnlyMemory<byte>> ReadPixels(JsonElement input, long[] shape, int textLength, ReadOnlyMemory<byte>? binary)
    {
        var (count, height, width, channels) = shape switch
        {
            [var h, var w] => (1L, h, w, 1L),
            [var h, var w, var c] => (1L, h, w, c),
            [var n, var h, var w, var c] => (n, h, w, c),
            _ => (1L, 0L, 0L, 1L),
        };
        CheckCount(count);
        if (channels is not (1 or 3))
        {
            throw Invalid("the last dimension must be 1 (gray) or 3 (red, green, blue)");
        }

        // Before anything is allocated for it. One dimension is one encoded image, whose bytes these are.
        if ((height == 0 ? shape[0] : Bitmap.Length(height, width)) > maxImageBytes || width > maxImageBytes)
        {
            throw TooLarge();
        }

        // Nor for several: each value in the JSON takes a byte at least.
        if (binary is null && Product(shape) > textLength)
        {
            throw Invalid("the data does not fit the shape");
        }

        var data = binary ?? Numbers(input.GetProperty("data"), Product(shape));
        if (data.Length != Product(shape))
        {
            throw Invalid("the data does not fit the shape");
        }

        if (height == 0)
        {
            return [data];
        }

        var one = (int)(height * width * channels);
        return [.. Enumerable.Range(0, (int)count).Select(i =>
            (ReadOnlyMemory<byte>)Bitmap.Encode(data.Span.Slice(i * one, one), (int)height, (int)width, (int)channels))];
    }

    private void CheckCount(long count)
    {
        if (count > maxImages)
        {
            throw Invalid($"it has more than {maxImages} images");
        }
    }

    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> raw, long size) =>
        size == raw.Length ? raw : throw Invalid("binary_data_size is not what follows the JSON");

    private static ReadOnlyMemory<byte> Numbers(JsonElement data, long count)
    {
        var bytes = new byte[count];
        var i = 0;
        foreach (var leaf in Leaves(data))
        {
            if (i == count)
            {
                throw Invalid("the data does not fit the shape");
            }

            bytes[i++] = leaf.GetByte();
        }

        return bytes.AsMemory(0, i);
    }

    // The protocol lets the data be nested as the shape is, or flat.
    private static IEnumerable<JsonElement> Leaves(JsonElement data) =>
        data.EnumerateArray().SelectMany(element => element.ValueKind == JsonValueKind.Array ? Leaves(element) : [element]);

    private static long Product(long[] shape)
    {
        var product = 1L;
        foreach (var dimension in shape)
        {
            product = product > int.MaxValue / dimension ? throw Invalid("the shape is too large") : product * dimension;
        }

        return product;
    }

    private static IReadOnlyDictionary<string, string> ReadParameters(JsonElement request)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (request.TryGetProperty("parameters", out var parameters))
        {
            foreach (var name in Parameters)
            {
                if (parameters.TryGetProperty(name, out var value))
                {
                    values[name] = value.ToString();
                }
            }
        }

        return RequestParameters.ToHeaders(values, null, null, null);
    }

    private static List<RequestedOutput> ReadOutputs(JsonElement request)
    {
        var outputs = new List<RequestedOutput>();
        if (!request.TryGetProperty("outputs", out var asked))
        {
            return outputs;
        }

        foreach (var output in asked.EnumerateArray())
        {
            var name = output.GetProperty("name").GetString()!;
            var classes = output.TryGetProperty("parameters", out var parameters) && parameters.TryGetProperty("classification", out var number)
                ? number.GetInt32()
                : 0;
            if (!InferenceOutputs.Names.Contains(name) || classes is < 0 or > ExpressionNames.Count || (classes > 0 && name != InferenceOutputs.Probabilities))
            {
                throw Invalid(
                    $"outputs must be among {string.Join(", ", InferenceOutputs.Names)}; classification goes with {InferenceOutputs.Probabilities}, up to "
                    + ExpressionNames.Count.ToString(CultureInfo.InvariantCulture));
            }

            outputs.Add(new RequestedOutput(name, classes));
        }

        return outputs;
    }

    private static ApiException Invalid(string why) => new(ApiCodes.InvalidRequest, $"The request cannot be used: {why}.");

    private ApiException TooLarge() => new(
        ErrorCodes.TooLarge, $"An image has more than {maxImageBytes} bytes (pixels count as the BMP that they become); send it encoded, as BYTES.");
}
