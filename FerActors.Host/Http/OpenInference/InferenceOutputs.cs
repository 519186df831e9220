using System.Globalization;
using System.Text.Json;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>
/// The output tensors: one row for each face, the faces of the first image first. Pictures may hold none or many, so <c>image</c> says
/// whose each row is.
/// </summary>
internal static class InferenceOutputs
{
    public const string Probabilities = "probabilities";

    private const string Label = "label";
    private const string LabelName = "name";
    private const string Confidence = "confidence";
    private const string Box = "box";
    private const string Image = "image";

    /// <summary>Names, datatypes and shapes, -1 standing for the number of faces.</summary>
    public static IReadOnlyList<TensorMetadata> All { get; } =
    [
        new(Probabilities, "FP32", [-1, 7]),
        new(Label, "INT64", [-1]),
        new(LabelName, "BYTES", [-1]),
        new(Confidence, "FP32", [-1]),
        new(Box, "FP32", [-1, 4]),
        new(Image, "INT64", [-1]),
    ];

    public static IReadOnlySet<string> Names { get; } = All.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>Writes the response.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="modelName">The model's name.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="results">One for each image, none of them an error.</param>
    public static void Write(Utf8JsonWriter json, string modelName, InferenceRequest request, IReadOnlyList<ClassificationResult> results)
    {
        var faces = results.SelectMany((result, image) => result.Faces.Select(face => (Face: face, Image: image))).ToList();
        json.WriteStartObject();
        json.WriteString("model_name", modelName);
        json.WriteString("model_version", results.FirstOrDefault(result => result.Model is not null)?.Model!.Version ?? "");
        if (request.Id is not null)
        {
            json.WriteString("id", request.Id);
        }

        json.WriteStartArray("outputs");
        foreach (var output in request.Outputs.Count > 0 ? request.Outputs : [.. All.Select(tensor => new RequestedOutput(tensor.Name, 0))])
        {
            var tensor = All.First(known => known.Name == output.Name);
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("datatype", output.Classes > 0 ? "BYTES" : tensor.Datatype);
            json.WriteStartArray("shape");
            json.WriteNumberValue(faces.Count);
            if (tensor.Shape.Count > 1)
            {
                json.WriteNumberValue(output.Classes > 0 ? output.Classes : tensor.Shape[1]);
            }

            json.WriteEndArray();
            json.WriteStartArray("data");
            foreach (var (face, image) in faces)
            {
                WriteRow(json, output, face, image);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter json, RequestedOutput output, FaceResult face, int image)
    {
        switch (output.Name)
        {
            case Probabilities when output.Classes > 0:
                foreach (var emotion in face.Emotions.OrderByDescending(emotion => emotion.Probability).Take(output.Classes))
                {
                    json.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"{emotion.Probability:0.######}:{(int)emotion.Label}:{emotion.Name}"));
                }

                break;
            case Probabilities:
                foreach (var emotion in face.Emotions)
                {
                    json.WriteNumberValue((float)emotion.Probability);
                }

                break;
            case Label:
                json.WriteNumberValue((int)face.Label);
                break;
            case LabelName:
                json.WriteStringValue(face.DominantEmotion);
                break;
            case Confidence:
                json.WriteNumberValue((float)face.Confidence);
                break;
            case Box:
                json.WriteNumberValue((float)face.Box.X);
                json.WriteNumberValue((float)face.Box.Y);
                json.WriteNumberValue((float)face.Box.Width);
                json.WriteNumberValue((float)face.Box.Height);
                break;
            default:
                json.WriteNumberValue(image);
                break;
        }
    }
}

/// <param name="Name">The tensor's name.</param>
/// <param name="Datatype">The protocol's name of its type.</param>
/// <param name="Shape">-1 for a dimension that varies.</param>
internal sealed record TensorMetadata(string Name, string Datatype, IReadOnlyList<int> Shape);
