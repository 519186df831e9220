using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Tests.Data;

namespace FerActors.Training.Tests.Augmentation;

public sealed class CropAugmenterSpecs
{
    private static readonly byte[] Image = SyntheticFer.SmoothImage(3);

    [Fact]
    public void Nothing_is_varied_where_nothing_is_asked_for()
    {
        var augmenter = new CropAugmenter(AugmentationOptions.None);

        Assert.Equal(Image.Select(level => level / 255f), Apply(augmenter, Image, 1));
    }

    [Fact]
    public void A_sample_is_a_pure_function_of_seed_epoch_and_position()
    {
        var augmenter = new CropAugmenter(AugmentationOptions.Default);

        Assert.Equal(Apply(augmenter, Image, 5), Apply(augmenter, Image, 5));
        Assert.NotEqual(Apply(augmenter, Image, 5), Apply(augmenter, Image, 6));
        Assert.NotEqual(Apply(augmenter, Image, 5), Apply(augmenter, Image, 5, epoch: 1));
    }

    [Theory]
    [InlineData(48)]
    [InlineData(64)]
    [InlineData(44)]
    public void Values_stay_within_0_and_1(int side)
    {
        var augmenter = new CropAugmenter(
            new AugmentationOptions { MaxBrightness = 1, Contrast = new(0, 4), Gamma = new(0.1f, 10), ToneProbability = 1 }, side);

        for (var position = 0; position < 200; position++)
        {
            var output = Apply(augmenter, SyntheticFer.Image(position), position);
            Assert.Equal(side * side, output.Length);
            Assert.InRange(output.Min(), 0, 1);
            Assert.InRange(output.Max(), 0, 1);
            Assert.DoesNotContain(float.NaN, output);
        }
    }

    [Fact]
    public void A_mirrored_view_swaps_left_and_right()
    {
        var output = Render(48, CropView.Mirrored);

        for (var i = 0; i < output.Length; i++)
        {
            Assert.Equal(Image[(i / 48 * 48) + 47 - (i % 48)] / 255f, output[i]);
        }
    }

    [Fact]
    public void A_mirrored_view_of_another_side_is_the_mirror_image_of_the_plain_one()
    {
        var plain = Render(96, CropView.Identity);
        var mirrored = Render(96, CropView.Mirrored);

        for (var i = 0; i < plain.Length; i++)
        {
            Assert.Equal(plain[(i / 96 * 96) + 95 - (i % 96)], mirrored[i], 5);
        }
    }

    [Fact]
    public void A_quarter_turn_counter_clockwise_moves_the_top_to_the_left()
    {
        var output = Render(48, CropView.Identity with { Rotation = 90 });

        for (var y = 0; y < 48; y++)
        {
            for (var x = 0; x < 48; x++)
            {
                // What stood at the top right (row 0) stands at the left: (x, y) came from column 47 - y of row x.
                Assert.Equal(Image[(x * 48) + 47 - y] / 255f, output[(y * 48) + x], 3);
            }
        }
    }

    [Fact]
    public void A_shift_moves_the_picture_and_repeats_its_edge()
    {
        var output = Render(48, CropView.Identity with { ShiftX = 6f / 48, ShiftY = 3f / 48 });

        for (var y = 0; y < 48; y++)
        {
            for (var x = 0; x < 48; x++)
            {
                Assert.Equal(Image[(Math.Max(0, y - 3) * 48) + Math.Max(0, x - 6)] / 255f, output[(y * 48) + x], 4);
            }
        }
    }

    [Fact]
    public void A_scale_of_2_shows_the_middle_half()
    {
        var output = Render(96, CropView.Identity with { Scale = 2 });
        var whole = Render(192, CropView.Identity);

        for (var y = 0; y < 96; y++)
        {
            for (var x = 0; x < 96; x++)
            {
                Assert.Equal(whole[((y + 48) * 192) + x + 48], output[(y * 96) + x], 4);
            }
        }
    }

    [Fact]
    public void Doubling_the_side_is_bilinear_about_pixel_centres()
    {
        var output = Render(96, CropView.Identity);

        // Output 0 lies a quarter pixel outside the source, so the edge repeats; output 1 a quarter behind pixel 0.
        Assert.Equal(Image[0] / 255f, output[0], 5);
        Assert.Equal(((0.75f * Image[0]) + (0.25f * Image[1])) / 255f, output[1], 5);
        Assert.Equal(((0.25f * Image[0]) + (0.75f * Image[1])) / 255f, output[2], 5);
    }

    [Fact]
    public void Ten_crop_shows_the_corners_and_the_centre_plain_and_mirrored()
    {
        const int Side = 40;
        var views = CropView.TenCrop(Side / 48f);
        (int X, int Y)[] origins = [(4, 4), (0, 0), (8, 0), (0, 8), (8, 8)];

        Assert.Equal(10, views.Count);
        for (var i = 0; i < 5; i++)
        {
            var plain = Render(Side, views[i]);
            for (var pixel = 0; pixel < plain.Length; pixel++)
            {
                var (x, y) = (pixel % Side, pixel / Side);
                Assert.Equal(Image[((y + origins[i].Y) * 48) + x + origins[i].X] / 255f, plain[pixel], 3);
            }
        }

        Assert.Equal([.. Enumerable.Repeat(false, 5), .. Enumerable.Repeat(true, 5)], views.Select(view => view.Flip));
        Assert.Throws<ArgumentOutOfRangeException>(() => CropView.TenCrop(0));
    }

    [Fact]
    public void About_half_of_the_images_are_mirrored()
    {
        var augmenter = new CropAugmenter(AugmentationOptions.None with { FlipProbability = 0.5f });
        var plain = Render(48, CropView.Identity);

        var same = Enumerable.Range(0, 1000).Count(i => Apply(augmenter, Image, i).SequenceEqual(plain));

        Assert.InRange(same, 440, 560);
    }

    [Fact]
    public void Tone_keeps_the_order_of_grey_levels()
    {
        var augmenter = new CropAugmenter(AugmentationOptions.None with { ToneProbability = 1 });
        var changed = 0;
        for (var position = 0; position < 50; position++)
        {
            var output = Apply(augmenter, Image, position);
            var levels = Image.Zip(output, (level, toned) => (level, toned)).OrderBy(pair => pair.level).Select(pair => pair.toned).ToArray();
            Assert.Equal(levels.Order(), levels);
            changed += output.SequenceEqual(Render(48, CropView.Identity)) ? 0 : 1;
        }

        Assert.Equal(50, changed);
    }

    [Fact]
    public void Warps_stay_within_their_bounds()
    {
        // A dot in the middle moves with the shift alone, whatever the rotation and scale.
        var dot = new byte[FerDataset.PixelsPerImage];
        foreach (var i in new[] { (23 * 48) + 23, (23 * 48) + 24, (24 * 48) + 23, (24 * 48) + 24 })
        {
            dot[i] = 255;
        }

        var augmenter = new CropAugmenter(AugmentationOptions.None with { WarpProbability = 1, MaxShift = 0.125f });
        for (var position = 0; position < 100; position++)
        {
            var output = Apply(augmenter, dot, position);
            var total = output.Sum();
            var x = output.Select((value, i) => value * (i % 48)).Sum() / total;
            var y = output.Select((value, i) => value * (i / 48)).Sum() / total;
            Assert.InRange(x, 23.5 - 6.1, 23.5 + 6.1);
            Assert.InRange(y, 23.5 - 6.1, 23.5 + 6.1);
        }
    }

    [Theory]
    [InlineData(ErasingFill.Mean)]
    [InlineData(ErasingFill.Noise)]
    public void Erasing_fills_one_rectangle_of_the_area_asked_for(ErasingFill fill)
    {
        var augmenter = new CropAugmenter(AugmentationOptions.None with
        {
            ErasingProbability = 1,
            ErasingArea = new(0.1f, 0.2f),
            ErasingAspect = ValueRange.Just(1),
            ErasingFill = fill,
        });
        var black = new byte[FerDataset.PixelsPerImage];
        black[0] = 255;
        for (var position = 0; position < 50; position++)
        {
            var output = Apply(augmenter, black, position);
            var erased = Enumerable.Range(1, output.Length - 1).Where(i => output[i] > 0).ToArray();
            var width = erased.Max(i => i % 48) - erased.Min(i => i % 48) + 1;
            var height = erased.Max(i => i / 48) - erased.Min(i => i / 48) + 1;
            Assert.InRange(width * height, 0.1 * 2304 * 0.9, 0.2 * 2304 * 1.1);
            Assert.Equal(width, height);
            var values = erased.Select(i => output[i]).Distinct().Count();
            Assert.True(fill == ErasingFill.Mean ? values == 1 : values > erased.Length - 5);
        }
    }

    [Fact]
    public void An_erasing_that_never_fits_leaves_the_image()
    {
        var augmenter = new CropAugmenter(AugmentationOptions.None with
        {
            ErasingProbability = 1,
            ErasingArea = ValueRange.Just(1),
            ErasingAspect = ValueRange.Just(10),
        });

        Assert.Equal(Render(48, CropView.Identity), Apply(augmenter, Image, 0));
    }

    [Fact]
    public void Spans_and_views_that_do_not_fit_are_refused()
    {
        var augmenter = new CropAugmenter(AugmentationOptions.Default, 64);
        var output = new float[64 * 64];

        Assert.Equal(4096, augmenter.OutputLength);
        Assert.Throws<ArgumentException>(() => augmenter.Render(Image.AsSpan(1), output, CropView.Identity));
        Assert.Throws<ArgumentException>(() => augmenter.Render(Image, output.AsSpan(1), CropView.Identity));
        Assert.Throws<ArgumentException>(() => augmenter.Render(Image, output, default));
        Assert.Throws<ArgumentException>(() => augmenter.Render(Image, output, CropView.Identity with { ShiftX = float.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CropAugmenter(AugmentationOptions.None, 15));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CropAugmenter(AugmentationOptions.None, 1025));
    }

    public static TheoryData<string, AugmentationOptions> BadOptions => new()
    {
        { "FlipProbability", new() { FlipProbability = 1.1f } },
        { "WarpProbability", new() { WarpProbability = -0.1f } },
        { "MaxRotation", new() { MaxRotation = float.NaN } },
        { "Scale", new() { Scale = new(1.2f, 0.9f) } },
        { "MaxShift", new() { MaxShift = 0.6f } },
        { "ToneProbability", new() { ToneProbability = float.NaN } },
        { "MaxBrightness", new() { MaxBrightness = 2 } },
        { "Contrast", new() { Contrast = new(-1, 1) } },
        { "Gamma", new() { Gamma = new(0, 1) } },
        { "ErasingProbability", new() { ErasingProbability = 2 } },
        { "ErasingArea", new() { ErasingArea = new(0, float.PositiveInfinity) } },
        { "ErasingAspect", new() { ErasingAspect = new(0, 1) } },
        { "ErasingFill", new() { ErasingFill = (ErasingFill)9 } },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void An_option_outside_its_range_is_named(string name, AugmentationOptions options) =>
        Assert.Equal(name, Assert.Throws<ArgumentException>(() => new CropAugmenter(options)).ParamName);

    private static float[] Apply(CropAugmenter augmenter, byte[] image, int position, int epoch = 0)
    {
        var output = new float[augmenter.OutputLength];
        var random = SeededRandom.For(11, RandomPurpose.Augmentation, epoch, position);
        augmenter.Apply(image, output, ref random);
        return output;
    }

    private static float[] Render(int side, CropView view)
    {
        var output = new float[side * side];
        new CropAugmenter(AugmentationOptions.None, side).Render(Image, output, view);
        return output;
    }
}
