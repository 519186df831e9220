using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace FerActors.Host.Http.OpenInference;

/// <summary>One output of a response, however the client wants it written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Datatype">FP32, INT64 or BYTES.</param>
/// <param name="Shape">Faces, and the columns where there are several.</param>
/// <param name="Data">Row by row: an array of <see cref="float"/>, <see cref="long"/> or <see cref="string"/>.</param>
/// <param name="Binary">Whether the client wants the bytes behind the JSON; <see langword="null"/> leaves it to the request.</param>
internal sealed record ResultTensor(string Name, string Datatype, IReadOnlyList<long> Shape, Array Data, bool? Binary)
{
    /// <summary>Writes the elements as values of a JSON array.</summary>
    public void WriteValues(Utf8JsonWriter json)
    {
        foreach (var element in Data)
        {
            switch (element)
            {
                case float number:
                    json.WriteNumberValue(number);
                    break;
                case long number:
                    json.WriteNumberValue(number);
                    break;
                default:
                    json.WriteStringValue((string)element);
                    break;
            }
        }
    }

    /// <summary>The elements as the protocol's binary form has them: little-endian, a text behind its length in four bytes.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        Span<byte> word = stackalloc byte[sizeof(long)];
        foreach (var element in Data)
        {
            switch (element)
            {
                case float number:
                    BinaryPrimitives.WriteSingleLittleEndian(word, number);
                    bytes.Write(word[..sizeof(float)]);
                    break;
                case long number:
                    BinaryPrimitives.WriteInt64LittleEndian(word, number);
                    bytes.Write(word);
                    break;
                default:
                    var text = Encoding.UTF8.GetBytes((string)element);
                    BinaryPrimitives.WriteInt32LittleEndian(word, text.Length);
                    bytes.Write(word[..sizeof(int)]);
                    bytes.Write(text);
                    break;
            }
        }

        return bytes.ToArray();
    }
}
