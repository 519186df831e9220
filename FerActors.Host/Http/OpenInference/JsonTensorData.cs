using System.Text.Json;
using FerActors.Host.Http.Requests;

namespace FerActors.Host.Http.OpenInference;

/// <summary>A tensor in JSON: numbers, or texts of base64; flat or nested as the shape is.</summary>
/// <param name="input">The input.</param>
/// <param name="textLength">Bytes of the whole JSON.</param>
/// <param name="maxImages">Images of one request.</param>
internal sealed class JsonTensorData(JsonMember input, int textLength, int maxImages) : ITensorData
{
    public long MostValues => textLength;

    public IReadOnlyList<ReadOnlyMemory<byte>> Elements(long expected)
    {
        var images = new List<ReadOnlyMemory<byte>>();
        foreach (var leaf in Leaves(Data()).Take(maxImages + 1))
        {
            var text = new JsonMember(leaf, "an element of the data").Text();
            images.Add(leaf.TryGetBytesFromBase64(out var plain) ? plain
                : ImageText.TryDecode(text, out var image, out var fault) ? image
                : throw Invalid($"image {images.Count} of the data {fault}"));
        }

        return images;
    }

    public ReadOnlyMemory<byte> Bytes(long expected)
    {
        var bytes = new byte[expected];
        var i = 0;
        foreach (var leaf in Leaves(Data()))
        {
            if (i == expected)
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

    private JsonElement Data() => input.Member("data") switch
    {
        { Value.ValueKind: JsonValueKind.Array } data => data.Value,
        null => throw Invalid("its input has no data"),
        _ => throw Invalid("the data of its input is not an array"),
    };

    // The protocol lets the data be nested as the shape is, or flat.
    private static IEnumerable<JsonElement> Leaves(JsonElement data) =>
        data.EnumerateArray().SelectMany(element => element.ValueKind == JsonValueKind.Array ? Leaves(element) : [element]);

    private static ApiException Invalid(string why) => JsonMember.Invalid(why);
}
