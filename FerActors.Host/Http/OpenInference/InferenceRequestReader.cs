using System.Globalization;
using System.Text.Json;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Labels;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;

namespace FerActors.Host.Http.OpenInference;

/// <summary>
/// Reads the body of an inference request: JSON, and behind it the tensor's bytes where the client uses the binary extension. The one
/// input is called <c>image</c>: BYTES with encoded images, or UINT8 with pixels or with the bytes of one encoded image.
/// </summary>
/// <param name="maxImageBytes">Bytes of one image as it is published.</param>
/// <param name="maxImages">Images of one request.</param>
internal sealed class InferenceRequestReader(int maxImageBytes, int maxImages)
{
    // Of arrays and objects within each other; the protocol has six.
    private const int MaxDepth = 64;
    private const int MaxOutputs = 64;

    /// <summary>The parameter by which clients on the same machine name memory of theirs.</summary>
    public const string SharedMemory = "shared_memory_region";

    /// <summary>Why that is refused.</summary>
    public const string NoSharedMemory = "this server has no shared memory with its clients; send the bytes";

    private static readonly string[] Parameters = ["faces", "aligned"];

    private readonly ImageTensor _tensor = new(maxImageBytes, maxImages);

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
        if (request.Array("inputs", most: 1) is not [var input] || input.Text("name") != ImageTensor.Name)
        {
            throw Invalid($"it must have one input with the name '{ImageTensor.Name}'");
        }

        var shape = (input.Array("shape", most: 4) ?? throw Invalid("its input has no shape")).Select(dimension => dimension.Whole()).ToArray();
        var images = _tensor.Read(input.Text("datatype"), shape, Data(input, textLength, raw));
        var parameters = request.Object("parameters");
        return new InferenceRequest(
            request.Id(), images, ReadParameters(parameters), ReadOutputs(request), parameters?.Member("binary_data_output")?.Truth() ?? false);
    }

    private JsonTensorData JsonData(JsonMember input, int textLength) => new(input, textLength, maxImages);

    private ITensorData Data(JsonMember input, int textLength, ReadOnlyMemory<byte> raw)
    {
        var parameters = input.Object("parameters");
        if (parameters?.Member(SharedMemory) is not null)
        {
            throw Invalid(NoSharedMemory);
        }

        if (parameters?.Member("binary_data_size") is { } size)
        {
            return size.Whole() == raw.Length ? new BinaryTensorData(raw) : throw Invalid("binary_data_size is not what follows the JSON");
        }

        return raw.Length == 0
            ? JsonData(input, textLength)
            : throw Invalid("bytes follow its JSON, and no input names them by the parameter binary_data_size");
    }

    private static IReadOnlyDictionary<string, string> ReadParameters(JsonMember? parameters) => HeadersOf(
        (parameters?.Value.EnumerateObject() ?? default).Select(member => KeyValuePair.Create(
            member.Name,
            Array.IndexOf(Parameters, member.Name) >= 0 && member.Value.ValueKind != JsonValueKind.Null
                ? new JsonMember(member.Value, $"the parameter {member.Name}").Scalar()
                : null)));

    /// <summary>The request's parameters as headers of the queue contract.</summary>
    /// <param name="parameters">All that the client sent; a value that is absent is as good as none.</param>
    /// <exception cref="ApiException">A value is not in the contract, or a name is nearly one of ours.</exception>
    /// <remarks>Clients send parameters of other servers along (priority, timeout, sequence_id ...), which are passed over.</remarks>
    public static IReadOnlyDictionary<string, string> HeadersOf(IEnumerable<KeyValuePair<string, string?>> parameters)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in parameters)
        {
            if (Array.IndexOf(Parameters, name) >= 0)
            {
                if (value is not null)
                {
                    values[name] = value;
                }
            }
            else if (Spelling.Nearest(name, Parameters) is { } near)
            {
                throw Invalid($"the parameter '{UntrustedText.Shown(name)}' is not known; the nearest known one is {near}");
            }
        }

        return RequestParameters.ToHeaders(values, null, null, null);
    }

    /// <summary>An output that was asked for.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="classes">The parameter <c>classification</c>; 0 where absent.</param>
    /// <param name="binary">The parameter <c>binary_data</c>.</param>
    /// <exception cref="ApiException">There is no such output.</exception>
    public static RequestedOutput Output(string? name, long classes, bool? binary) =>
        name is null
        || !InferenceOutputs.Names.Contains(name)
        || classes is < 0 or > ExpressionNames.Count
        || (classes > 0 && name != InferenceOutputs.Probabilities)
            ? throw Invalid(
                $"outputs must be among {string.Join(", ", InferenceOutputs.Names)}; classification goes with {InferenceOutputs.Probabilities}, up to "
                + ExpressionNames.Count.ToString(CultureInfo.InvariantCulture))
            : new RequestedOutput(name, (int)classes, binary);

    private static List<RequestedOutput> ReadOutputs(JsonMember request)
    {
        var outputs = new List<RequestedOutput>();
        foreach (var output in request.Array("outputs", MaxOutputs) ?? [])
        {
            var parameters = output.Object("parameters");
            if (parameters?.Member(SharedMemory) is not null)
            {
                throw Invalid(NoSharedMemory);
            }

            outputs.Add(Output(output.Text("name"), parameters?.Member("classification")?.Whole() ?? 0, parameters?.Member("binary_data")?.Truth()));
        }

        return outputs;
    }

    private static ApiException Invalid(string why) => JsonMember.Invalid(why);
}
