using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Labels;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

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

    // Of arrays and objects within each other; the protocol has six.
    private const int MaxDepth = 64;
    private const int MaxOutputs = 64;

    private static readonly string[] Parameters = ["faces", "aligned"];

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    private static ReadOnlySpan<byte> GzipMark => [0x1F, 0x8B];

    /// <param name="body">The whole body.</param>
    /// <param name="jsonLength">Bytes of the JSON (header <c>Inference-Header-Content-Length</c>); absent where it is all of the body.</param>
    /// <exception cref="ApiException">It is not a request that can be answered.</exception>
    public InferenceRequest Read(ReadOnlyMemory<byte> body, int? jsonLength)
    {
        if (jsonLength is { } length && (length < 0 || length > body.Length))
        {
            throw Invalid("the header Inference-Header-Content-Length names more bytes than there are");
        }

        var text = jsonLength is { } end ? body[..end] : body;
        using var json = Parse(text.Span.StartsWith(ByteOrderMark) ? text[ByteOrderMark.Length..] : text);
        try
        {
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? Read(new JsonMember(json.RootElement, "the request"), text.Length, body[text.Length..])
                : throw Invalid("its JSON is not an object");
        }
        catch (InvalidOperationException)
        {
            // Kinds are checked before; what is left is half a surrogate pair.
            throw Invalid("a string in its JSON is not Unicode");
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> text)
    {
        if (text.IsEmpty)
        {
            throw Invalid("its body is empty");
        }

        if (text.Span.StartsWith(GzipMark))
        {
            throw Invalid("its body is gzip, and the header Content-Encoding does not say so");
        }

        try
        {
            return JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException e)
        {
            throw Invalid($"its JSON cannot be read beyond line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}");
        }
    }

    private InferenceRequest Read(JsonMember request, int textLength, ReadOnlyMemory<byte> raw)
    {
        if (request.Array("inputs", most: 1) is not [var input] || input.Text("name") != InputName)
        {
            throw Invalid($"it must have one input with the name '{InputName}'");
        }

        return new InferenceRequest(
            request.Id(), ReadImages(input, textLength, raw), ReadParameters(request.Object("parameters")), ReadOutputs(request));
    }

    private List<ReadOnlyMemory<byte>> ReadImages(JsonMember input, int textLength, ReadOnlyMemory<byte> raw)
    {
        var shape = (input.Array("shape", most: 4) ?? throw Invalid("its input has no shape")).Select(dimension => dimension.Whole()).ToArray();
        if (shape.Length == 0 || shape.Any(dimension => dimension is < 1 or > int.MaxValue))
        {
            throw Invalid("the shape must have one to four dimensions, each at least 1");
        }

        var binary = input.Object("parameters")?.Member("binary_data_size") is { } size ? Take(raw, size.Whole()) : (ReadOnlyMemory<byte>?)null;
        if (binary is null && raw.Length > 0)
        {
            throw Invalid("bytes follow its JSON, and no input names them by the parameter binary_data_size");
        }

        return input.Text("datatype") switch
        {
            "BYTES" => ReadEncoded(input, shape, binary),
            "UINT8" => ReadPixels(input, shape, textLength, binary),
            null => throw Invalid("its input has no datatype; it must be BYTES or UINT8"),
            var other => throw Invalid($"the datatype is '{UntrustedText.Shown(other)}'; it must be BYTES or UINT8"),
        };
    }

    private List<ReadOnlyMemory<byte>> ReadEncoded(JsonMember input, long[] shape, ReadOnlyMemory<byte>? binary)
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
            foreach (var leaf in Leaves(Data(input)).Take(maxImages + 1))
            {
                var text = new JsonMember(leaf, "an element of the data").Text();
                images.Add(leaf.TryGetBytesFromBase64(out var plain) ? plain
                    : ImageText.TryDecode(text, out var image, out var fault) ? image
                    : throw Invalid($"image {images.Count} of the data {fault}"));
            }
        }

        return images.Count == count && images.All(image => image.Length <= maxImageBytes)
            ? images
            : throw (images.Count == count ? TooLarge() : Invalid("the data does not fit the shape"));
    }

    private List<ReadOnlyMemory<byte>> ReadPixels(JsonMember input, long[] shape, int textLength, ReadOnlyMemory<byte>? binary)
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

        var data = binary ?? Numbers(Data(input), Product(shape));
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

            bytes[i++] = leaf.ValueKind == JsonValueKind.Number && leaf.TryGetByte(out var value)
                ? value
                : new JsonMember(leaf, "an element of the data").Whole() is >= byte.MinValue and <= byte.MaxValue and var whole
                    ? (byte)whole
                    : throw Invalid("an element of the data is not from 0 to 255");
        }

        return bytes.AsMemory(0, i);
    }

    private static JsonElement Data(JsonMember input) => input.Member("data") switch
    {
        { Value.ValueKind: JsonValueKind.Array } data => data.Value,
        null => throw Invalid("its input has no data"),
        _ => throw Invalid("the data of its input is not an array"),
    };

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

    // Clients send parameters of other servers along (priority, timeout, sequence_id ...); only what is nearly one of these is a mistake.
    private static IReadOnlyDictionary<string, string> ReadParameters(JsonMember? parameters)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in parameters?.Value.EnumerateObject() ?? default)
        {
            if (Array.IndexOf(Parameters, member.Name) >= 0)
            {
                if (member.Value.ValueKind != JsonValueKind.Null)
                {
                    values[member.Name] = new JsonMember(member.Value, $"the parameter {member.Name}").Scalar();
                }
            }
            else if (Spelling.Nearest(member.Name, Parameters) is { } near)
            {
                throw Invalid($"the parameter '{UntrustedText.Shown(member.Name)}' is not known; the nearest known one is {near}");
            }
        }

        return RequestParameters.ToHeaders(values, null, null, null);
    }

    private static List<RequestedOutput> ReadOutputs(JsonMember request)
    {
        var outputs = new List<RequestedOutput>();
        foreach (var output in request.Array("outputs", MaxOutputs) ?? [])
        {
            var name = output.Text("name");
            var classes = output.Object("parameters")?.Member("classification")?.Whole() ?? 0;
            if (name is null
                || !InferenceOutputs.Names.Contains(name)
                || classes is < 0 or > ExpressionNames.Count
                || (classes > 0 && name != InferenceOutputs.Probabilities))
            {
                throw Invalid(
                    $"outputs must be among {string.Join(", ", InferenceOutputs.Names)}; classification goes with {InferenceOutputs.Probabilities}, up to "
                    + ExpressionNames.Count.ToString(CultureInfo.InvariantCulture));
            }

            outputs.Add(new RequestedOutput(name, (int)classes));
        }

        return outputs;
    }

    private static ApiException Invalid(string why) => JsonMember.Invalid(why);

    private ApiException TooLarge() => new(
        ErrorCodes.TooLarge, $"An image has more than {maxImageBytes} bytes (pixels count as the BMP that they become); send it encoded, as BYTES.");
}
