using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FerActors.Host.Tests.Http.OpenInference;

/// <summary>
/// Requests byte for byte as Triton's clients make them, written down from what their sources do: tritonclient's Python package (its JSON
/// is written by rapidjson, without spaces) and the C++ library under perf_analyzer (members in another order, and an id that may be
/// empty). Only the picture is of these tests.
/// </summary>
internal static class TritonRequests
{
    /// <summary><c>client.infer("fer", [image])</c> in Python, no outputs named: all are wanted behind the JSON.</summary>
    public static HttpContent PythonWithoutOutputs(byte[] picture) => Binary(
        $$$"""{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":{{{Size(picture)}}}}}],"parameters":{"binary_data_output":true}}""",
        picture,
        type: null);

    /// <summary>The same with outputs, each with <c>binary_data</c> of its own, and a class count.</summary>
    public static HttpContent PythonWithOutputs(byte[] picture) => Binary(
        $$$"""{"id":"7","inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":{{{Size(picture)}}}}}],"outputs":[{"name":"label","parameters":{"binary_data":false}},{"name":"probabilities","parameters":{"classification":2,"binary_data":true}},{"name":"image","parameters":{"binary_data":true}}],"parameters":{"priority":1,"timeout":1000000}}""",
        picture,
        type: null);

    /// <summary><c>set_data_from_numpy(pixels, binary_data=True)</c> of an array of bytes, H x W x 3.</summary>
    public static HttpContent PythonPixels(byte[] pixels, int height, int width)
    {
        var json = $$$"""{"inputs":[{"name":"image","shape":[{{{height}}},{{{width}}},3],"datatype":"UINT8","parameters":{"binary_data_size":{{{pixels.Length}}}}}],"parameters":{"binary_data_output":true}}""";
        return Body(json, pixels, type: null);
    }

    /// <summary>perf_analyzer: members in the C++ library's order, an empty id, and every output wanted as bytes.</summary>
    public static HttpContent PerfAnalyzer(byte[] picture) => Binary(
        $$$"""{"id":"","inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":{{{Size(picture)}}}}}],"outputs":[{"name":"probabilities","parameters":{"binary_data":true}},{"name":"name","parameters":{"binary_data":true}}]}""",
        picture,
        type: "application/octet-stream");

    /// <summary><c>client.infer</c> with an input in shared memory.</summary>
    public const string SharedMemory =
        """{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"shared_memory_region":"mine","shared_memory_byte_size":100}}],"parameters":{"binary_data_output":true}}""";

    /// <summary><c>client.load_model("fer", config='{"parameters":{"version":{"string_value":"v2"}}}')</c>.</summary>
    public const string LoadByConfiguration = """{"parameters":{"config":"{\"parameters\":{\"version\":{\"string_value\":\"v2\"}}}"}}""";

    /// <summary><c>client.load_model("fer", config="{}", files={"file:1/model.safetensors": b"..."})</c>.</summary>
    public const string LoadFiles = """{"parameters":{"config":"{}","file:1/model.safetensors":"AAAA"}}""";

    /// <summary><c>client.unload_model("fer")</c>.</summary>
    public const string Unload = """{"parameters":{"unload_dependents":false}}""";

    private static int Size(byte[] picture) => sizeof(int) + picture.Length;

    // serialize_byte_tensor: each element behind its length, little-endian.
    private static ByteArrayContent Binary(string json, byte[] picture, string? type)
    {
        var tensor = new byte[Size(picture)];
        BinaryPrimitives.WriteInt32LittleEndian(tensor, picture.Length);
        picture.CopyTo(tensor, sizeof(int));
        return Body(json, tensor, type);
    }

    private static ByteArrayContent Body(string json, byte[] tensor, string? type)
    {
        var text = Encoding.UTF8.GetBytes(json);
        var content = new ByteArrayContent([.. text, .. tensor]);
        content.Headers.Add("Inference-Header-Content-Length", text.Length.ToString(CultureInfo.InvariantCulture));
        if (type is not null)
        {
            content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue(type);
        }

        return content;
    }
}
