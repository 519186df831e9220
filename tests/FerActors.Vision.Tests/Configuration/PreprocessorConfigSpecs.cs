using System.Text;
using FerActors.Testing.Files;
using FerActors.Vision.Configuration;

namespace FerActors.Vision.Tests.Configuration;

public sealed class PreprocessorConfigSpecs
{
    private static PreprocessorConfig Parse(string json, int channels = 3) =>
        PreprocessorConfig.Parse(Encoding.UTF8.GetBytes(json), channels);

    [Fact]
    public void The_older_form_is_read()
    {
        var config = Parse("""
            {"do_normalize": true, "do_resize": true, "feature_extractor_type": "ViTFeatureExtractor",
             "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 384}
            """);
        Assert.Equal((384, 384), (config.Height, config.Width));
        Assert.Equal([0.485, 0.456, 0.406], config.ImageMean);
        Assert.Equal([0.229, 0.224, 0.225], config.ImageStd);
        Assert.Equal(PilResampling.Bicubic, config.Resample);
        Assert.True(config.DoRescale);
        Assert.Equal(1.0 / 255, config.RescaleFactor);
    }

    [Fact]
    public void The_newer_form_is_read()
    {
        var config = Parse("""
            {"do_normalize": false, "do_rescale": true, "do_resize": false, "image_mean": [0.5, 0.5, 0.5],
             "image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"height": 96, "width": 48}}
            """);
        Assert.Equal((96, 48), (config.Height, config.Width));
        Assert.False(config.DoNormalize);
        Assert.False(config.DoResize);
        Assert.Equal(PilResampling.Bilinear, config.Resample);
        Assert.Equal(0.00392156862745098, config.RescaleFactor);
    }

    [Fact]
    public void A_shortest_edge_is_the_side_of_a_square_crop()
    {
        var config = Parse("""{"size": {"shortest_edge": 96}, "do_center_crop": true, "crop_size": {"height": 96, "width": 96}}""");
        Assert.Equal((96, 96), (config.Height, config.Width));
    }

    [Fact]
    public void Absent_fields_have_the_processors_defaults()
    {
        var config = Parse("{}");
        Assert.True(config.DoResize && config.DoRescale && config.DoNormalize);
        Assert.Equal((224, 224, PilResampling.Bilinear), (config.Height, config.Width, config.Resample));
        Assert.Equal([0.5, 0.5, 0.5], config.ImageMean);
        Assert.Equal([0.5, 0.5, 0.5], config.ImageStd);
        Assert.Equal([0.5], Parse("{}", channels: 1).ImageMean);
    }

    [Fact]
    public void One_number_stands_for_all_channels() => Assert.Equal([0.25, 0.25, 0.25], Parse("""{"image_std": 0.25}""").ImageStd);

    public static TheoryData<string, string> Refusals => new()
    {
        { """{"size": 0}""", "size is 0x0" },
        { """{"size": {"height": 5000, "width": 224}}""", "size is 5000x224" },
        { """{"size": "224"}""", "size is not an object" },
        { """{"size": {"longest_edge": 224}}""", "size has neither" },
        { """{"resample": 9}""", "resample is 9" },
        { """{"rescale_factor": 0}""", "rescale_factor" },
        { """{"image_mean": [0.5]}""", "image_mean has 1 numbers for 3 channels" },
        { """{"image_mean": [0.5, "x", 0.5]}""", "image_mean is not a list of finite numbers" },
        { """{"image_std": [0.5, 0, 0.5]}""", "image_std" },
        { """{"image_std": [0.5, 0.5, 0.5, 0.5]}""", "image_std is not a list of at most 3" },
        { """{"do_resize": "yes"}""", "do_resize is neither" },
        { """{"do_center_crop": true, "size": 256, "crop_size": 224}""", "cropping is not supported" },
        { """{"image_processor_type": "ConvNextImageProcessor"}""", "image_processor_type is 'ConvNextImageProcessor'" },
        { """nonsense""", "not valid JSON" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_file_that_cannot_be_used_is_refused_and_the_field_named(string json, string expected)
    {
        var message = Assert.Throws<VitConfigException>(() => Parse(json)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.StartsWith("preprocessor_config.json: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_has_one_or_three_channels() => Assert.Throws<ArgumentOutOfRangeException>(() => Parse("{}", channels: 2));

    [Fact]
    public void A_file_is_saved_in_the_newer_form_and_loaded_the_same()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf(PreprocessorConfig.FileName);
        var config = new PreprocessorConfig
        {
            Height = 48,
            Width = 48,
            DoRescale = false,
            RescaleFactor = 0.1,
            Resample = PilResampling.Box,
            ImageMean = [0.507],
            ImageStd = [0.255],
        };

        config.Save(path);
        var again = PreprocessorConfig.Load(path, numChannels: 1);

        Assert.Equal(config.ToJson(), again.ToJson());
        Assert.Equal(config.ImageMean, again.ImageMean);
        Assert.Equal(config.ImageStd, again.ImageStd);
        Assert.Equal(config, again with { ImageMean = config.ImageMean, ImageStd = config.ImageStd });
        Assert.Contains("\"image_processor_type\": \"ViTImageProcessor\"", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_made_in_code_is_checked_before_it_is_written()
    {
        var error = Assert.Throws<VitConfigException>(() => new PreprocessorConfig
        {
            Height = 0,
            Resample = (PilResampling)7,
            RescaleFactor = double.NaN,
            ImageMean = [0, double.PositiveInfinity],
            ImageStd = [1],
        }.ToJson());
        Assert.Equal(5, error.Errors.Count);
    }

    [Fact]
    public void Rescaling_and_normalising_are_one_multiplication_and_one_addition()
    {
        var transforms = Parse("""{"image_mean": [0.5, 0.485, 0.0], "image_std": [0.5, 0.229, 1.0]}""").ChannelTransforms();
        for (var pixel = 0; pixel < 256; pixel += 51)
        {
            Assert.Equal(((pixel / 255.0) - 0.5) / 0.5, (pixel * transforms[0].Scale) + transforms[0].Offset, 5);
            Assert.Equal(((pixel / 255.0) - 0.485) / 0.229, (pixel * transforms[1].Scale) + transforms[1].Offset, 5);
            Assert.Equal(pixel / 255.0, (pixel * transforms[2].Scale) + transforms[2].Offset, 5);
        }
    }

    [Fact]
    public void Steps_that_are_switched_off_are_left_out()
    {
        Assert.Equal(new ChannelTransform(1, 0), Parse("""{"do_rescale": false, "do_normalize": false}""").ChannelTransforms()[2]);
        Assert.Equal(new ChannelTransform(2, -1), Parse("""{"do_rescale": false}""").ChannelTransforms()[0]);
        Assert.Equal(new ChannelTransform(0.5f, 0), Parse("""{"do_normalize": false, "rescale_factor": 0.5}""").ChannelTransforms()[1]);
    }

    [Fact]
    public void The_input_has_to_be_the_one_that_the_network_takes()
    {
        var network = new VitConfig { ImageSize = 48, PatchSize = 6, NumChannels = 1 };
        PreprocessorConfig.For(network).EnsureFits(network);
        var error = Assert.Throws<VitConfigException>(() => new PreprocessorConfig().EnsureFits(network));
        Assert.Equal(2, error.Errors.Count);
    }
}
