using System.Text;
using System.Text.Json.Nodes;
using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Drift;

public sealed class EmbeddingReferenceSpecs
{
    private static readonly string Hash = new('0', 64);

    [Fact]
    public void The_distance_is_that_of_Mahalanobis_with_a_diagonal_covariance_over_the_root_of_the_length()
    {
        var reference = EmbeddingReference.Of([[0, 10], [2, 10], [4, 40]]);

        Assert.Equal([2f, 20f], reference.Mean);
        Assert.Equal(Math.Sqrt(8.0 / 3), reference.Deviation[0], 5);
        Assert.Equal(Math.Sqrt(200), reference.Deviation[1], 4);
        Assert.Equal(0, reference.Distance([2, 20]));
        Assert.Equal(Math.Sqrt(((16 / (8.0 / 3)) + (400 / 200.0)) / 2), reference.Distance([6, 40])!.Value, 5);
    }

    [Fact]
    public void A_usual_face_is_about_one_away_whatever_the_length()
    {
        foreach (var length in new[] { 16, 256 })
        {
            var faces = Faces(400, length, seed: 1, shift: 0);
            var reference = EmbeddingReference.Of(faces);
            Assert.InRange(faces.Average(face => reference.Distance(face)!.Value), 0.95, 1.02);
        }
    }

    [Fact]
    public void What_cannot_be_compared_has_no_distance()
    {
        var reference = EmbeddingReference.Of([[0, 1], [1, 0]]);

        Assert.Null(reference.Distance([1]));
        Assert.Null(reference.Distance([1, float.NaN]));
        Assert.Throws<ArgumentException>(() => EmbeddingReference.Of([]));
        Assert.Throws<ArgumentException>(() => EmbeddingReference.Of([[1], [1, 2]]));
        Assert.Throws<ArgumentException>(() => EmbeddingReference.Of([[float.NaN]]));
    }

    [Fact]
    public void It_is_written_into_the_reference_and_read_again()
    {
        var whole = Reference(with: true);

        var again = DriftReference.FromJson(whole.ToJson());

        Assert.Equal(whole.Embedding!.Mean, again.Embedding!.Mean);
        Assert.Contains(DriftSignal.EmbeddingDistance, again.Signals.Keys);
        Assert.Contains("\"embedding_distance\"", Encoding.UTF8.GetString(whole.ToJson()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reference_of_before_has_none_and_does_not_watch_it()
    {
        var old = DriftReference.FromJson(Reference(with: false).ToJson());

        Assert.Null(old.Embedding);
        Assert.DoesNotContain("embedding", Encoding.UTF8.GetString(old.ToJson()), StringComparison.Ordinal);
        Assert.DoesNotContain(new DriftState(old, new DriftOptions()).Signals, signal => signal.Signal == DriftSignal.EmbeddingDistance);
    }

    [Theory]
    [InlineData("{\"mean\":[1],\"deviation\":[0]}")]
    [InlineData("{\"mean\":[1,2],\"deviation\":[1]}")]
    [InlineData("{\"mean\":[],\"deviation\":[]}")]
    [InlineData("null")]
    public void One_that_cannot_be_or_a_distance_without_it_is_refused(string embedding)
    {
        var json = JsonNode.Parse(Reference(with: true).ToJson())!.AsObject();
        json["embedding"] = JsonNode.Parse(embedding);

        var refused = Assert.Throws<InvalidDataException>(() => DriftReference.FromJson(Encoding.UTF8.GetBytes(json.ToJsonString())));

        Assert.Contains("embedding", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Faces_that_the_model_sees_elsewhere_are_told_although_every_other_signal_is_as_usual()
    {
        var reference = Reference(with: true);
        var state = new DriftState(reference, new DriftOptions());
        Feed(state, reference, shift: 0, seed: 2);
        Assert.Equal(DriftLevel.Ok, state.Level);

        var changes = Feed(state, reference, shift: 0.5f, seed: 3);

        Assert.All(changes, change => Assert.Equal(DriftSignal.EmbeddingDistance, change.Signal));
        Assert.Equal(DriftLevel.Alert, state.Level);
    }

    private static List<DriftLevelChanged> Feed(DriftState state, DriftReference reference, float shift, int seed) =>
        [.. Samples(600, seed, reference.Embedding!, Faces(600, 32, seed, shift)).SelectMany(state.Observe)];

    private static DriftReference Reference(bool with)
    {
        var faces = Faces(2000, 32, seed: 1, shift: 0);
        var embedding = EmbeddingReference.Of(faces);
        return DriftReference.Of([.. Samples(2000, 1, embedding, faces)], Hash, Hash, "PublicTest", with ? embedding : null);
    }

    private static IEnumerable<DriftSample> Samples(int count, int seed, EmbeddingReference embedding, List<float[]> faces)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(i => new DriftSample(
            new CropStatistics(random.NextDouble(), random.NextDouble(), random.NextDouble()),
            (Expression)random.Next(ExpressionNames.Count),
            random.NextDouble(),
            EmbeddingDistance: embedding.Distance(faces[i])));
    }

    // Normal numbers, by Box and Muller.
    private static List<float[]> Faces(int count, int length, int seed, float shift)
    {
        var random = new Random(100 + seed);
        float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => Normal() + shift).ToArray())];
    }
}
