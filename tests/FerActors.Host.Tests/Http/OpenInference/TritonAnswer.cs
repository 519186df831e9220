using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FerActors.Host.Tests.Http.OpenInference;

/// <summary>Reads an answer as tritonclient does: the JSON as long as the header says, and each output's bytes where the ones before it end.</summary>
internal sealed class TritonAnswer
{
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _buffers = [];

    private TritonAnswer(JsonElement json) => Json = json;

    public JsonElement Json { get; }

    public static async Task<TritonAnswer> ReadAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.IsSuccessStatusCode, Encoding.UTF8.GetString(body));
        var length = response.Headers.TryGetValues("Inference-Header-Content-Length", out var values)
            ? int.Parse(values.Single(), CultureInfo.InvariantCulture)
            : body.Length;
        var answer = new TritonAnswer(JsonDocument.Parse(body.AsMemory(0, length)).RootElement);
        var rest = body.AsMemory(length);
        foreach (var output in answer.Json.GetProperty("outputs").EnumerateArray())
        {
            if (output.TryGetProperty("parameters", out var parameters))
            {
                var size = parameters.GetProperty("binary_data_size").GetInt32();
                answer._buffers.Add(output.GetProperty("name").GetString()!, rest[..size]);
                rest = rest[size..];
            }
        }

        Assert.Equal(0, rest.Length);
        return answer;
    }

    public JsonElement Output(string name) => Json.GetProperty("outputs").EnumerateArray().Single(output => output.GetProperty("name").GetString() == name);

    public IEnumerable<int> Shape(string name) => Output(name).GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt32());

    public float[] Floats(string name) =>
        [.. Enumerable.Range(0, _buffers[name].Length / sizeof(float)).Select(i => BinaryPrimitives.ReadSingleLittleEndian(_buffers[name].Span[(i * sizeof(float))..]))];

    public long[] Longs(string name) =>
        [.. Enumerable.Range(0, _buffers[name].Length / sizeof(long)).Select(i => BinaryPrimitives.ReadInt64LittleEndian(_buffers[name].Span[(i * sizeof(long))..]))];

    public IReadOnlyList<string> Texts(string name)
    {
        var texts = new List<string>();
        for (var rest = _buffers[name]; rest.Length > 0;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
            texts.Add(Encoding.UTF8.GetString(rest.Span.Slice(sizeof(int), length)));
            rest = rest[(sizeof(int) + length)..];
        }

        return texts;
    }
}
