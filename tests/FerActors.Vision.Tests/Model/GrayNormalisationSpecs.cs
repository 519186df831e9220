using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Vision.Tests.Model;

public sealed class GrayNormalisationSpecs
{
    private static readonly byte[] Gray = [0, 51, 255, 128];

    [Fact]
    public void One_channel_is_rescaled_and_normalised()
    {
        var planes = Apply(new PreprocessorConfig { ImageMean = [0.5], ImageStd = [0.25] });

        AssertClose([-2, (0.2f - 0.5f) / 0.25f, 2, ((128 / 255f) - 0.5f) / 0.25f], planes);
    }

    [Fact]
    public void Three_channels_get_the_same_plane_each_with_its_own_mean_and_deviation()
    {
        var planes = Apply(new PreprocessorConfig { ImageMean = [0, 0.5, 1], ImageStd = [1, 0.5, 2] });

        AssertClose(
            [
                0, 0.2f, 1, 128 / 255f,
                -1, -0.6f, 1, (128 / 127.5f) - 1,
                -0.5f, -0.4f, 0, ((128 / 255f) - 1) / 2,
            ],
            planes);
    }

    [Fact]
    public void The_rescale_factor_is_the_files_own()
    {
        var planes = Apply(new PreprocessorConfig { RescaleFactor = 1.0 / 51, ImageMean = [1], ImageStd = [2] });

        AssertClose([-0.5f, 0, 2, ((128 / 51f) - 1) / 2], planes);
    }

    [Fact]
    public void Without_normalising_values_are_rescaled_only()
    {
        AssertClose([0, 0.2f, 1, 128 / 255f], Apply(new PreprocessorConfig { DoNormalize = false, ImageMean = [0.5], ImageStd = [0.5] }));
    }

    [Fact]
    public void Without_rescaling_values_stay_bytes()
    {
        AssertClose([0, 51, 255, 128], Apply(new PreprocessorConfig { DoRescale = false, DoNormalize = false, ImageMean = [0], ImageStd = [1] }));
    }

    [Theory]
    [InlineData(1.0 / 255, true)]
    [InlineData(1.0 / 127.5, true)]
    [InlineData(1.0 / 51, false)]
    public void Values_from_0_to_1_become_what_their_bytes_would(double factor, bool normalise)
    {
        var config = new PreprocessorConfig { RescaleFactor = factor, DoNormalize = normalise, ImageMean = [0.4], ImageStd = [0.3] };
        var values = Gray.Select(b => b / 255f).ToArray();

        new GrayNormalisation(config).Apply(values);

        AssertClose(Apply(config), values);
    }

    [Fact]
    public void Planes_that_are_too_short_are_refused()
    {
        var normalisation = new GrayNormalisation(new PreprocessorConfig());

        Assert.Equal(3, normalisation.Channels);
        Assert.Throws<ArgumentOutOfRangeException>(() => normalisation.Apply(Gray, new float[11]));
    }

    private static float[] Apply(PreprocessorConfig config)
    {
        var normalisation = new GrayNormalisation(config);
        var planes = new float[normalisation.Channels * Gray.Length];
        normalisation.Apply(Gray, planes);
        return planes;
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }
}
