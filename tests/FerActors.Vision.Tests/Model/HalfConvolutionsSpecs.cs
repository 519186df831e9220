using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Vision.Tests.Model;

public sealed class HalfConvolutionsSpecs
{
    public HalfConvolutionsSpecs() => TorchRuntime.EnsureLoaded();

    [Theory]
    [InlineData(48, 96)]
    [InlineData(32, 80)]
    [InlineData(16, 32)]
    public void Channels_that_are_no_multiple_of_32_are_never_trusted(int first, int second) =>
        Assert.False(HalfConvolutions.AreRightFor(Config([first, second])));

    [Fact]
    public void A_model_without_a_stem_has_none() => Assert.False(HalfConvolutions.AreRightFor(Config(null)));

    // Whether a processor computes them right cannot be known beforehand; that the answer says what it does can be tried.
    [Fact]
    public void Where_they_are_trusted_a_larger_batch_of_another_side_agrees_too()
    {
        var trusted = HalfConvolutions.AreRightFor(Config([32, 64]));

        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var pixels = randn([21, 32, 24, 24], generator: generator).to(ScalarType.BFloat16);
        var weight = randn([64, 32, 3, 3], generator: generator).to(ScalarType.BFloat16);
        var half = nn.functional.conv2d(pixels, weight, padding: [1, 1]).to(ScalarType.Float32);
        var exact = nn.functional.conv2d(pixels.to(ScalarType.Float32), weight.to(ScalarType.Float32), padding: [1, 1]);

        Assert.True(!trusted || ((half - exact).norm() / exact.norm()).item<float>() < 0.02f);
        Assert.Equal(trusted, HalfConvolutions.AreRightFor(Config([32, 64])));
    }

    // The channels stand in no other spec, so that the first trial of these convolutions is the one in inference mode.
    [Fact]
    public void A_trial_within_inference_mode_says_the_same_as_one_outside()
    {
        bool within;
        using (inference_mode())
        {
            within = HalfConvolutions.AreRightFor(Config([96, 160]));
        }

        using var inputs = randn(2, 96, 24, 24).to(ScalarType.BFloat16);
        using var weight = randn(160, 96, 3, 3).to(ScalarType.BFloat16);
        using var half = nn.functional.conv2d(inputs, weight, strides: [2, 2], padding: [1, 1]).to(ScalarType.Float32);
        using var exact = nn.functional.conv2d(inputs.to(ScalarType.Float32), weight.to(ScalarType.Float32), strides: [2, 2], padding: [1, 1]);
        Assert.True(!within || ((half - exact).norm() / exact.norm()).item<float>() < 0.02f);
    }

    private static VitConfig Config(int[]? stem) => new()
    {
        ImageSize = 48,
        PatchSize = stem is null ? 8 : 4,
        NumChannels = 1,
        Labels = LabelMap.Fer2013Labels,
        ConvStem = stem is null ? null : new ConvStemConfig(stem, 2),
    };
}
