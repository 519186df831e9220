using System.Text;
using System.Text.Json.Nodes;
using FerActors.Shared.Drift;
using FerActors.Shared.Labels;

namespace FerActors.Shared.Tests.Drift;

public sealed class DriftReferenceSpecs : IDisposable
{
    private static readonly string Hash = new('0', 64);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-drift-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_written_is_read_again()
    {
        var reference = Some();

        var again = DriftReference.FromJson(reference.ToJson());

        Assert.Equal(reference.ToJson(), again.ToJson());
        Assert.Equal((40, "PublicTest", Hash), (again.Images, again.Split, again.WeightsSha256));
    }

    [Fact]
    public void Face_size_and_detector_score_are_not_in_it_since_the_training_data_is_cropped() =>
        Assert.Equal(
            [DriftSignal.Brightness, DriftSignal.Contrast, DriftSignal.Sharpness, DriftSignal.Confidence, DriftSignal.PredictionMix],
            Some().Signals.Keys.Order());

    [Fact]
    public void A_folder_without_the_file_has_none() => Assert.Null(DriftReference.Find(_folder));

    [Fact]
    public void A_file_that_is_longer_than_any_real_one_is_refused_unread()
    {
        File.WriteAllBytes(Path.Combine(_folder, DriftReference.FileName), new byte[DriftReference.MaxBytes + 1]);

        Assert.Contains("more than", Assert.Throws<InvalidDataException>(() => DriftReference.Find(_folder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("schema", "2", "schema")]
    [InlineData("images", "0", "images")]
    [InlineData("weights_sha256", "\"XYZ\"", "hashes")]
    [InlineData("split", "\"\"", "split")]
    [InlineData("signals", "{}", "no Brightness")]
    [InlineData("signals", "null", "Signals")]
    [InlineData("extra", "1", "extra")]
    public void A_field_that_cannot_be_is_named(string field, string value, string named)
    {
        var json = JsonNode.Parse(Some().ToJson())!.AsObject();
        json[field] = JsonNode.Parse(value);

        var refused = Assert.Throws<InvalidDataException>(() => DriftReference.FromJson(Encoding.UTF8.GetBytes(json.ToJsonString())));

        Assert.Contains(named, refused.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1]")]
    public void Text_that_is_no_reference_is_refused_as_such(string text) =>
        Assert.Throws<InvalidDataException>(() => DriftReference.FromJson(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_reference_of_no_samples_is_refused() =>
        Assert.Throws<ArgumentException>(() => DriftReference.Of([], Hash, Hash, "PublicTest"));

    private static DriftReference Some() => DriftReference.Of(
        [.. Enumerable.Range(0, 40).Select(i => new DriftSample(new CropStatistics(i, 2 * i, 3 * i), (Expression)(i % ExpressionNames.Count), i / 40.0))],
        Hash,
        Hash,
        "PublicTest");
}
