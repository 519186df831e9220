using System.Globalization;
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

    /// <summary>The tensors that were asked for, in the order of the request; all where none was named.</summary>
    /// <param name="wanted">What was asked for.</param>
    /// <param name="results">One for each image, none of them an error.</param>
    public static IReadOnlyList<ResultTensor> Of(IReadOnlyList<RequestedOutput> wanted, IReadOnlyList<ClassificationResult> results)
    {
        var faces = results.SelectMany((result, image) => result.Faces.Select(face => (Face: face, Image: image))).ToList();
        return [.. (wanted.Count > 0 ? wanted : All.Select(tensor => new RequestedOutput(tensor.Name, 0))).Select(output =>
        {
            var tensor = All.First(known => known.Name == output.Name);
            long[] shape = tensor.Shape.Count > 1 ? [faces.Count, output.Classes > 0 ? output.Classes : tensor.Shape[1]] : [faces.Count];
            return new ResultTensor(tensor.Name, output.Classes > 0 ? "BYTES" : tensor.Datatype, shape, Data(output, faces), output.Binary);
        })];
    }

    private static Array Data(RequestedOutput output, List<(FaceResult Face, int Image)> faces) => output.Name switch
    {
        Probabilities when output.Classes > 0 => faces.SelectMany(row => row.Face.Emotions
            .OrderByDescending(emotion => emotion.Probability)
            .Take(output.Classes)
            .Select(emotion => string.Create(
                CultureInfo.InvariantCulture, $"{emotion.Probability:0.######}:{(int)emotion.Label}:{emotion.Name}"))).ToArray(),
        Probabilities => faces.SelectMany(row => row.Face.Emotions.Select(emotion => (float)emotion.Probability)).ToArray(),
        Label => faces.Select(row => (long)row.Face.Label).ToArray(),
        LabelName => faces.Select(row => row.Face.DominantEmotion).ToArray(),
        Confidence => faces.Select(row => (float)row.Face.Confidence).ToArray(),
        Box => faces.SelectMany(row => new[]
        {
            (float)row.Face.Box.X, (float)row.Face.Box.Y, (float)row.Face.Box.Width, (float)row.Face.Box.Height,
        }).ToArray(),
        _ => faces.Select(row => (long)row.Image).ToArray(),
    };
}

/// <param name="Name">The tensor's name.</param>
/// <param name="Datatype">The protocol's name of its type.</param>
/// <param name="Shape">-1 for a dimension that varies.</param>
internal sealed record TensorMetadata(string Name, string Datatype, IReadOnlyList<int> Shape);
