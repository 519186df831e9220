using System.Buffers;
using System.Text.Json;

namespace FerActors.Host.Http.OpenInference;

/// <summary>Writes the answer to an inference request over HTTP.</summary>
internal static class InferenceResponse
{
    /// <summary>The JSON, and the bytes that follow it; <see langword="null"/> where no output is wanted as bytes.</summary>
    /// <param name="modelName">The model's name.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="answer">The answer.</param>
    public static (ReadOnlyMemory<byte> Json, IReadOnlyList<byte[]>? Tail) Write(string modelName, InferenceRequest request, InferenceAnswer answer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        List<byte[]>? tail = null;
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("model_name", modelName);
        json.WriteString("model_version", answer.Version);
        if (request.Id is not null)
        {
            json.WriteString("id", request.Id);
        }

        json.WriteStartArray("outputs");
        foreach (var tensor in answer.Outputs)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("datatype", tensor.Datatype);
            json.WriteStartArray("shape");
            foreach (var dimension in tensor.Shape)
            {
                json.WriteNumberValue(dimension);
            }

            json.WriteEndArray();
            if (tensor.Binary ?? request.Binary)
            {
                var bytes = tensor.ToBytes();
                (tail ??= []).Add(bytes);
                json.WriteStartObject("parameters");
                json.WriteNumber("binary_data_size", bytes.Length);
                json.WriteEndObject();
            }
            else
            {
                json.WriteStartArray("data");
                tensor.WriteValues(json);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return (buffer.WrittenMemory, tail);
    }
}

/// <param name="Version">The version that answered; empty where no image needed a model.</param>
/// <param name="Outputs">What was asked for.</param>
internal sealed record InferenceAnswer(string Version, IReadOnlyList<ResultTensor> Outputs);
