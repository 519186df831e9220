using FerActors.Shared.Drift;

namespace FerActors.Shared.Tests.Drift;

public sealed class CropStatisticsSpecs
{
    [Fact]
    public void An_even_crop_has_its_level_and_neither_contrast_nor_sharpness()
    {
        var statistics = CropStatistics.Measure(Filled(48, 70), 48);

        Assert.Equal(70, statistics.Brightness, 1e-9);
        Assert.Equal(0, statistics.Contrast, 1e-9);
        Assert.Equal(0, statistics.Sharpness, 1e-9);
    }

    [Fact]
    public void A_chessboard_is_as_sharp_as_can_be()
    {
        var board = Enumerable.Range(0, 48 * 48).Select(i => (byte)((((i / 48) + (i % 48)) % 2) * 255)).ToArray();

        var statistics = CropStatistics.Measure(board, 48);

        Assert.Equal(127.5, statistics.Brightness, 1e-9);
        Assert.Equal(127.5, statistics.Contrast, 1e-9);

        // The Laplacian is 1020 or -1020 at each pixel.
        Assert.Equal(1020.0 * 1020, statistics.Sharpness, 1e-3);
    }

    [Theory]
    [InlineData(96)]
    [InlineData(100)]
    [InlineData(224)]
    [InlineData(49)]
    public void A_larger_crop_is_measured_as_if_it_were_48_pixels_wide(int side)
    {
        // A ramp of gray from left to right has the same mean and deviation at every size.
        var ramp = Enumerable.Range(0, side * side).Select(i => (byte)Math.Round(((i % side) + 0.5) * 255 / side)).ToArray();
        var small = Enumerable.Range(0, 48 * 48).Select(i => (byte)Math.Round(((i % 48) + 0.5) * 255 / 48)).ToArray();

        var (actual, expected) = (CropStatistics.Measure(ramp, side), CropStatistics.Measure(small, 48));

        Assert.Equal(expected.Brightness, actual.Brightness, 0.5);
        Assert.Equal(expected.Contrast, actual.Contrast, 0.5);
        Assert.InRange(actual.Sharpness, 0, 2);
    }

    [Fact]
    public void The_smallest_crop_has_three_pixels_on_a_side()
    {
        Assert.Equal(9, CropStatistics.Measure(Filled(3, 9), 3).Brightness, 1e-9);
        Assert.Throws<ArgumentOutOfRangeException>(() => CropStatistics.Measure(Filled(2, 9), 2));
        Assert.Throws<ArgumentException>(() => CropStatistics.Measure(Filled(3, 9), 4));
    }

    private static byte[] Filled(int side, byte level)
    {
        var pixels = new byte[side * side];
        Array.Fill(pixels, level);
        return pixels;
    }
}
