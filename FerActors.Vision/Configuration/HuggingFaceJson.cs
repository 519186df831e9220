using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FerActors.Vision.Configuration;

/// <summary>JSON files as Hugging Face's libraries lay them out: two spaces of indentation, line feeds, one at the end.</summary>
internal static class HuggingFaceJson
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        IndentSize = 2,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="writeFields">Writes the fields of the file's one object.</param>
    public static byte[] Write(Action<Utf8JsonWriter> writeFields)
    {
        var buffer = new ArrayBufferWriter<byte>(initialCapacity: 2048);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            writeFields(json);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
