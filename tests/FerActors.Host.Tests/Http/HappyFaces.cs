using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Http;

/// <summary>An answer with one happy face, as a pipeline would give it.</summary>
internal static class HappyFaces
{
    public static ImageOutcome In(ClassifyImage image, FaceExplanation? explanation = null)
    {
        var emotions = ExpressionNames.All
            .Select(e => new EmotionProbability(e, e.ToString(), e == Expression.Happy ? 0.7 : 0.05))
            .ToList();
        var face = new FaceResult(new FaceBox(60, 60, 80, 90), null, 0, 0.9, Expression.Happy, "Happy", 0.7, emotions)
        {
            Explanation = explanation,
            CropPng = image.Request.Include.HasFlag(IncludeParts.Crop) ? Surroundings.Picture(".png", side: 48) : null,
        };
        var answer = FakePipeline.Answer(image);
        return answer with { Result = answer.Result with { Faces = [face], TimingsMs = new Timings(1, 2, 1, 1, 2, 7) } };
    }
}
