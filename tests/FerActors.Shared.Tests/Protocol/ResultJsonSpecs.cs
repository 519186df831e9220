using System.Text;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Shared.Tests.Protocol;

public sealed class ResultJsonSpecs
{
    [Fact]
    public void A_result_survives_the_way_through_json()
    {
        var result = Sample();

        var read = ResultJson.Deserialize(ResultJson.Serialize(result));

        Assert.Equal(ResultJson.Serialize(result), ResultJson.Serialize(read));
        Assert.Equal("Happy", read.Faces[0].DominantEmotion);
        Assert.Equal(new ImagePoint(3, 4), read.Faces[0].Landmarks!.LeftEye);
    }

    [Fact]
    public void The_fields_have_the_names_of_the_contract()
    {
        var json = Encoding.UTF8.GetString(ResultJson.Serialize(Sample()));

        Assert.All(
            ["\"schema_version\":1", "\"message_id\":\"m\"", "\"status\":\"ok\"", "\"dominant_emotion\"", "\"detector_score\"", "\"roll_degrees\"",
                "\"right_eye\"", "\"weights_sha256\"", "\"timings_ms\"", "\"label\":3"],
            part => Assert.Contains(part, json, StringComparison.Ordinal));
        Assert.DoesNotContain("null", json, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_result_has_a_code_a_sentence_and_no_faces()
    {
        var read = ResultJson.Deserialize(ResultJson.Serialize(
            ClassificationResult.Failed("m", "c", "node", ErrorCodes.TooLarge, "Too large.")));

        Assert.Equal(("error", ErrorCodes.TooLarge, "Too large."), (read.Status, read.Error!.Code, read.Error.Message));
        Assert.Empty(read.Faces);
    }

    private static ClassificationResult Sample() => new()
    {
        MessageId = "m",
        CorrelationId = "c",
        Node = "node",
        Image = new ImageInfo(640, 480, "jpeg"),
        Model = new ModelIdentity("compact", "1", "abc"),
        TimingsMs = new Timings(1, 2, 3, 4, 5, 15),
        Faces =
        [
            new FaceResult(
                new FaceBox(10, 20, 30, 40),
                new FaceLandmarks(new(1, 2), new(3, 4), new(5, 6), new(7, 8), new(9, 10)),
                -3.5,
                0.9,
                Expression.Happy,
                "Happy",
                0.8,
                ExpressionNames.All.Select(e => new EmotionProbability(e, e.ToString(), e == Expression.Happy ? 0.8 : 0.2 / 6)).ToList()),
        ],
    };
}
